/** A page of the documentation: only its head and foot are translated. */

import { byId } from "../common/dom.js";
import { currentLanguage, setLanguage } from "../common/i18n.js";

document.addEventListener("language", () => { byId("language").value = currentLanguage(); });
byId("language").addEventListener("change", (event) => setLanguage(event.target.value));
setLanguage();
