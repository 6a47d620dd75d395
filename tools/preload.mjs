// Writes templates/ide_modules.html: a preload for each module that the IDE's page needs at once, so that the browser
// fetches all of them side by side instead of finding them one import after another. `node tools/preload.mjs` after a
// change of imports; `--check` only compares.
import { readFileSync, writeFileSync } from "node:fs"
import { dirname, join, normalize } from "node:path"
import { fileURLToPath } from "node:url"

const root = join(dirname(fileURLToPath(import.meta.url)), "..")
const target = join(root, "templates", "ide_modules.html")
const IMPORT = /(?:^|[\n;}])\s*(?:import|export)\b(?:[^"'();]*?\bfrom\s*)?"(\.[^"]+)"/g

/** Every module that loading `entry` fetches, in the order in which the imports are met. @param {string} entry below static/ */
export function modulesOf(entry) {
  /** @type {string[]} */
  const found = []
  const visit = (/** @type {string} */ path) => {
    if (found.includes(path)) return
    found.push(path)
    const text = readFileSync(join(root, "static", path), "utf8")
    for (const [, to = ""] of text.matchAll(IMPORT)) visit(normalize(join(dirname(path), to)))
  }
  visit(entry)
  return found
}

/**
 * The preloads of two entries. What only the second needs goes behind the requests that the first one sends: a browser
 * opens six connections, and seventy modules would hold all of them.
 * @param {string} first
 * @param {string} second
 */
export function preloads(first, second) {
  const early = modulesOf(first)
  const rest = modulesOf(second).filter((path) => !early.includes(path))
  const link = (/** @type {string} */ path, /** @type {string} */ extra) =>
    `  <link rel="modulepreload" href="{{ static_url('${path}') }}"${extra}>`
  const lines = [...early.map((path) => link(path, "")), ...rest.map((path) => link(path, ' fetchpriority="low"'))]
  return `{#- Written by tools/preload.mjs. -#}\n${lines.join("\n")}\n`
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const text = preloads("ide/early.js", "ide.js")
  if (!process.argv.includes("--check")) writeFileSync(target, text)
  else if (readFileSync(target, "utf8") !== text) throw new Error("templates/ide_modules.html is old: run node tools/preload.mjs")
}
