/** The page for an unknown address. */

import { byId } from "../common/dom.js";
import { currentLanguage, setLanguage } from "../common/i18n.js";

document.addEventListener("language", () => { byId("language").value = currentLanguage(); });
byId("language").addEventListener("change", (event) => setLanguage(event.target.value));
byId("address").textContent = location.pathname;
setLanguage();
