// The place that somebody has come to, as the hash of the address says it: a reload, a bookmark and
// the back button find the same place.

export type Route =
  | { readonly view: "choose" }
  | { readonly view: "look"; readonly key: string }
  | { readonly view: "import"; readonly id: string }
  | { readonly view: "history"; readonly query: string }
  | { readonly view: "dead-letters"; readonly query: string };

/** Reads a hash; what it does not know is the beginning. */
export function parseRoute(hash: string): Route {
  const [path = "", query = ""] = hash.replace(/^#/, "").split("?", 2);
  const [, view, id] = path.split("/");
  if (view === "look" && id) return { view, key: decode(id) };
  if (view === "imports" && id) return { view: "import", id: decode(id) };
  if (view === "history" || view === "dead-letters") return { view, query: new URLSearchParams(query).get("q") ?? "" };
  return { view: "choose" };
}

export function toHash(route: Route): string {
  if (route.view === "look") return `#/look/${encodeURIComponent(route.key)}`;
  if (route.view === "import") return `#/imports/${encodeURIComponent(route.id)}`;
  if (route.view === "choose") return "#/";
  return `#/${route.view}${route.query === "" ? "" : `?${new URLSearchParams({ q: route.query }).toString()}`}`;
}

/** A hash is anybody's text: one that does not decode is taken as it is. */
function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
