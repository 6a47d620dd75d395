/**
 * Sends the page's first requests while its larger modules are still on their way. A page entry of its own, before ide.js.
 */
import { pageData } from "../shared/dom.js"
import { chooseBot } from "./boot.js"

export const firstChoice = chooseBot(new URLSearchParams(location.search), pageData().code)
// ide.js waits for it and tells the person.
firstChoice.catch(() => {})
