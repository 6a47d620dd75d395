/**
 * The grammar of a file, by its name. Python is in the bundle, the others are fetched when such a file opens.
 */
import { pythonLanguage } from "./codemirror.js"
import { extensionOf } from "../paths.js"

/** @typedef {import("@codemirror/state").Extension} Extension */

/** @type {Record<string, () => Promise<{language: () => Extension}>>} */
const FETCHED = {
  json: () => import("../../vendor/cm-6.43.15/json.js"),
  md: () => import("../../vendor/cm-6.43.15/markdown.js"),
  yaml: () => import("../../vendor/cm-6.43.15/yaml.js"),
  yml: () => import("../../vendor/cm-6.43.15/yaml.js")
}

/** What is at hand at once. @param {string} path @returns {Extension} */
export function languageOf(path) {
  return extensionOf(path) === "py" ? pythonLanguage : []
}

/** What must be fetched, or null. @param {string} path @returns {Promise<Extension> | null} */
export function fetchedLanguage(path) {
  const load = FETCHED[extensionOf(path)]
  return load ? load().then((module) => module.language()) : null
}
