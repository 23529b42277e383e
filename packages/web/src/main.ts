// The page: the element, with the table that the address names (`?table=people`).
import { SluiceImporter } from "./element.tsx";

const element = document.querySelector<SluiceImporter>("sluice-importer");
const table = new URLSearchParams(location.search).get("table");
if (table) element?.setAttribute("table", table);

customElements.define("sluice-importer", SluiceImporter);
