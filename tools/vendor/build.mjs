// Writes static/vendor from the locked packages: `npm ci && node build.mjs`. The same lockfile gives the same bytes,
// so that `git diff --exit-code static/vendor` after a run shows a bundle that was changed by hand.
import { build } from "esbuild"
import { createHash } from "node:crypto"
import { copyFile, mkdir, readFile, readdir, rm, writeFile } from "node:fs/promises"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"

const here = dirname(fileURLToPath(import.meta.url))
const vendor = join(here, "..", "..", "static", "vendor")

/** One folder under static/vendor, named with the version of the package that leads it. */
const bundles = [
  {
    prefix: "cm",
    leader: "@codemirror/view",
    entries: ["editor", "extras", "highlight", "merge", "json", "yaml", "markdown"],
    eager: ["editor.js"]
  },
  { prefix: "marked", leader: "marked", entries: ["marked"], eager: ["marked.js"] }
]

/** What a copy of the source could not declare: parts that are written here and not taken from a package. */
const declared = {
  markdown: 'import { LanguageSupport } from "@codemirror/language"\nexport function language(): LanguageSupport\n',
  python: 'import { LRLanguage } from "@codemirror/language"\nexport const pythonLanguage: LRLanguage\n'
}

/** @param {string} path a file inside node_modules @returns {string} the name of its package */
function packageOf(path) {
  const parts = path.slice(path.lastIndexOf("node_modules/") + "node_modules/".length).split("/")
  return parts[0].startsWith("@") ? `${parts[0]}/${parts[1]}` : parts[0]
}

/** @param {string} name @returns {Promise<{version: string, license: string, notice: string}>} */
async function described(name) {
  const folder = join(here, "node_modules", name)
  const { version, license } = JSON.parse(await readFile(join(folder, "package.json"), "utf8"))
  const file = (await readdir(folder)).find((entry) => /^licen[cs]e/i.test(entry))
  if (!file) throw new Error(`${name} comes without a licence file`)
  return { version, license, notice: (await readFile(join(folder, file), "utf8")).trim() }
}

/** Every file that loading `entries` fetches at once, in the order in which the imports are met.
 * @param {string[]} entries @param {Record<string, {imports: {path: string, kind: string}[]}>} outputs */
function fetchedBy(entries, outputs) {
  const met = new Set()
  const visit = (/** @type {string} */ name) => {
    if (met.has(name)) return
    met.add(name)
    for (const next of outputs[name].imports) if (next.kind === "import-statement") visit(next.path)
  }
  entries.forEach(visit)
  return [...met]
}

/** @param {typeof bundles[number]} bundle */
async function write({ prefix, leader, entries, eager }) {
  const { version } = await described(leader)
  const target = join(vendor, `${prefix}-${version}`)
  const result = await build({
    absWorkingDir: here,
    tsconfigRaw: {}, // the tsconfig above this folder serves the checker only
    entryPoints: entries.map((entry) => `src/${entry}.js`),
    outdir: target,
    bundle: true,
    splitting: true,
    minify: true,
    format: "esm",
    target: "es2022",
    chunkNames: "c/[name]-[hash]",
    legalComments: "none",
    metafile: true,
    write: false
  })
  await mkdir(join(target, "c"), { recursive: true })
  const files = {}
  for (const { path, contents } of result.outputFiles.toSorted((a, b) => (a.path < b.path ? -1 : 1))) {
    await writeFile(path, contents)
    const integrity = `sha384-${createHash("sha384").update(contents).digest("base64")}`
    files[path.slice(target.length + 1)] = { bytes: contents.length, integrity }
  }
  const inside = (/** @type {string} */ path) =>
    path.slice(path.indexOf(`${prefix}-${version}/`) + `${prefix}-${version}/`.length)
  const outputs = Object.fromEntries(
    Object.entries(result.metafile.outputs).map(([path, { imports }]) => [
      inside(path),
      { imports: imports.map((next) => ({ path: inside(next.path), kind: next.kind })) }
    ])
  )
  const names = [
    ...new Set(
      Object.keys(result.metafile.inputs)
        .filter((path) => path.includes("node_modules/"))
        .map(packageOf)
    )
  ].sort()
  const packages = await Promise.all(names.map(async (name) => ({ name, ...(await described(name)) })))
  const manifest = {
    version,
    eager: fetchedBy(eager, outputs),
    files,
    packages: Object.fromEntries(packages.map((one) => [one.name, { version: one.version, license: one.license }]))
  }
  await writeFile(join(target, "manifest.json"), `${JSON.stringify(manifest, null, 2)}\n`)
  const notices = packages.map((one) => `${one.name} ${one.version}\n\n${one.notice}\n`)
  await writeFile(join(target, "LICENSES.txt"), notices.join(`\n${"-".repeat(80)}\n\n`))
  // The checker reads these beside the minified files; they name the packages, whose types npm installed.
  for (const entry of entries) await copyFile(join(here, "src", `${entry}.js`), join(target, `${entry}.d.ts`))
  for (const [entry, text] of Object.entries(declared))
    if (entries.includes(entry) || (entry === "python" && prefix === "cm")) await writeFile(join(target, `${entry}.d.ts`), text)
}

await rm(vendor, { recursive: true, force: true })
for (const bundle of bundles) await write(bundle)
