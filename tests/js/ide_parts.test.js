import assert from "node:assert/strict"
import { readFileSync } from "node:fs"
import { test } from "node:test"
import { preloads } from "../../tools/preload.mjs"

Object.defineProperty(globalThis, "navigator", { value: { platform: "Linux x86_64" }, configurable: true })
const { faultOf, folderOf, freePath, rowsOf, extensionOf } = await import("../../static/ide/paths.js")
const { errorName, linked, missingPackage } = await import("../../static/ide/traceback.js")
const { requirementFor, withRequirement } = await import("../../static/ide/missing_import.js")
const { score } = await import("../../static/ide/finder.js")
const { ago } = await import("../../static/ide/time.js")
const { textOf } = await import("../../static/ide/server_files.js")

test("the main file comes first, then files, then folders, in order of their names", () => {
  const rows = rowsOf(["b10.txt", "app.py", "b9.txt", "prompts/tone.md", "prompts/old/x.md"], "app.py", new Set())
  assert.deepEqual(
    rows.map(({ path, depth }) => `${depth} ${path}`),
    ["0 app.py", "0 b9.txt", "0 b10.txt", "0 prompts/", "1 prompts/tone.md", "1 prompts/old/", "2 prompts/old/x.md"]
  )
})

test("a closed folder hides what is in it", () => {
  assert.deepEqual(
    rowsOf(["a/x", "a/b/y"], "", new Set(["a/"])).map(({ path }) => path),
    ["a/"]
  )
})

test("a name is refused with a sentence, or not at all", () => {
  const taken = ["app.py", "prompts/tone.md"]
  for (const name of ["notes.txt", "prompts/new.md", "ünï.txt", "a b.txt"]) assert.equal(faultOf(name, taken), null, name)
  for (const name of ["", " ", "/etc/x", "../x", "a//b", "a/./b", "a\\b", "app.py", "prompts", "app.py/x", "x".repeat(201)]) {
    assert.match(faultOf(name, taken) ?? "", /\.$/, JSON.stringify(name))
  }
})

test("paths are taken apart", () => {
  assert.equal(folderOf("a/b/c.txt"), "a/b/")
  assert.equal(extensionOf("a.b/README"), "")
  assert.equal(extensionOf(".env"), "")
  assert.equal(freePath("a.txt", ["a.txt", "a-2.txt"]), "a-3.txt")
})

test("only the bot's own files become links", () => {
  const isOurs = (/** @type {string} */ path) => path === "app.py"
  assert.deepEqual(linked('  File "/bot/app.py", line 12, in <module>', isOurs), [
    { text: "  File " },
    { text: '"app.py", line 12', file: "app.py", line: 12 },
    { text: ", in <module>" }
  ])
  assert.deepEqual(linked('  File "/usr/lib/python3/json.py", line 3', isOurs), [
    { text: '  File "/usr/lib/python3/json.py", line 3' }
  ])
  assert.deepEqual(linked("", isOurs), [])
})

test("the last line of a traceback is known by its exception", () => {
  assert.equal(errorName("NameError: name 'x' is not defined"), "NameError")
  assert.equal(errorName("json.decoder.JSONDecodeError: Expecting value"), "json.decoder.JSONDecodeError")
  assert.equal(errorName("Error handling began"), "")
  assert.equal(missingPackage("ModuleNotFoundError: No module named 'flask.views'"), "flask")
  assert.equal(missingPackage("ImportError: cannot import name 'x'"), "")
})

test("the finder finds by the letters in their order, and starts of words first", () => {
  assert.equal(score("xyz", "Save and run"), 0)
  assert.ok(score("sr", "Save and run") > score("sr", "Versions and roll back"))
  assert.ok(score("run", "run.py") > score("run", "return"))
})

test("times are said as people say them", () => {
  const now = Date.UTC(2026, 10, 25)
  assert.equal(ago(now - 20_000, now), "just now")
  assert.equal(ago(now - 5 * 60_000, now), "5 minutes ago")
  assert.equal(ago(now - 25 * 3_600_000, now), "yesterday")
  assert.equal(ago(now + 5_000, now), "just now")
})

test("what is not text is not shown as text", () => {
  const bytes = (/** @type {number[]} */ ...all) => new Uint8Array(all).buffer
  assert.equal(textOf(bytes(104, 105), 10), "hi")
  assert.equal(textOf(bytes(104, 0, 105), 10), null)
  assert.equal(textOf(bytes(0xff, 0xfe), 10), null)
  assert.equal(textOf(bytes(104, 105), 1), null)
})

test("the page preloads exactly the modules that it needs at once", () => {
  const written = readFileSync(new URL("../../templates/ide_modules.html", import.meta.url), "utf8")
  assert.equal(written, preloads("ide/early.js", "ide.js"), "run node tools/preload.mjs")
})

test("a module that is missing has a package, unless it is the bot's own or Python's", () => {
  const packages = ["yaml", "PIL.Image", "cv2", "sklearn.svm", "bs4", "dotenv", "pandas", "langchain_openai", "pkg_resources"].map((name) => requirementFor(name, ["app.py"]))
  assert.deepEqual(packages, ["pyyaml", "pillow", "opencv-python-headless", "scikit-learn", "beautifulsoup4", "python-dotenv", "pandas", "langchain-openai", "setuptools<81"])
  for (const name of ["tkinter", "helper.more", "lib.x", "_private", "", "x y"]) assert.equal(requirementFor(name, ["helper.py", "lib/a.py"]), "", name)
})

test("a line is added to requirements.txt once", () => {
  assert.equal(withRequirement("", "pyyaml"), "pyyaml\n")
  assert.equal(withRequirement("requests", "pyyaml"), "requests\npyyaml\n")
  assert.equal(withRequirement("# mine\r\nrequests\r\n", "pyyaml"), "# mine\r\nrequests\r\npyyaml\r\n")
  for (const text of ["PyYAML\n", " pyyaml[libyaml]>=6 # why\n"]) assert.equal(withRequirement(text, "pyyaml"), text)
  assert.equal(withRequirement("scikit_learn\n", "scikit-learn"), "scikit_learn\n")
  assert.equal(withRequirement("pyyaml-extras\n", "pyyaml"), "pyyaml-extras\npyyaml\n")
})
