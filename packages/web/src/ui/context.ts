// The store, for every component below the element.
import { createContext } from "preact";
import { useContext } from "preact/hooks";
import type { Store } from "../state/store.ts";

export const StoreContext = createContext<Store | undefined>(undefined);

export function useStore(): Store {
  const store = useContext(StoreContext);
  if (!store) throw new Error("a component is used outside of <sluice-importer>");
  return store;
}
