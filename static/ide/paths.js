/**
 * Paths of a bot's files: rows of the file list, names, kinds.
 */

/** @typedef {{path: string, name: string, depth: number, isFolder: boolean}} Row */

/** @param {string} path */
export function nameOf(path) {
  return path.slice(path.lastIndexOf("/") + 1)
}

/** @param {string} path @returns {string} the folder with its slash, or "" */
export function folderOf(path) {
  return path.slice(0, path.lastIndexOf("/") + 1)
}

/** @param {string} path @returns {string} in small letters, without the dot */
export function extensionOf(path) {
  const name = nameOf(path)
  const dot = name.lastIndexOf(".")
  return dot > 0 ? name.slice(dot + 1).toLowerCase() : ""
}

/** The address of a file below the API. @param {string} botId @param {string} path */
export function fileUrl(botId, path) {
  return `bots/${botId}/files/${path.split("/").map(encodeURIComponent).join("/")}`
}

/**
 * What is wrong with a name that a person typed, as a sentence; null when nothing is.
 * @param {string} path
 * @param {Iterable<string>} taken
 * @returns {string | null}
 */
export function faultOf(path, taken) {
  const parts = path.split("/")
  if (!path.trim()) return "A file needs a name."
  if (path.startsWith("/") || parts.some((part) => part === "" || part === "." || part === "..")) {
    return "Use a name such as notes.txt or prompts/tone.md."
  }
  if (/[\\\u0000-\u001f]/.test(path)) return "A name can't hold a backslash or a control character."
  if (new TextEncoder().encode(path).length > 200) return "That name is too long."
  const all = [...taken]
  if (all.includes(path)) return `${path} exists.`
  if (all.some((other) => other.startsWith(`${path}/`))) return `${path} is a folder.`
  const inside = all.find((other) => path.startsWith(`${other}/`))
  return inside ? `${inside} is a file, not a folder.` : null
}

/** A path that nothing has yet: notes.txt, then notes-2.txt. @param {string} wanted @param {Iterable<string>} taken */
export function freePath(wanted, taken) {
  const all = new Set(taken)
  const extension = extensionOf(wanted)
  const stem = extension ? wanted.slice(0, -extension.length - 1) : wanted
  for (let count = 1; ; count += 1) {
    const path = count === 1 ? wanted : `${stem}-${count}${extension ? `.${extension}` : ""}`
    if (!all.has(path)) return path
  }
}

/**
 * The rows of the file list: the main file first, then files of the root, then folders, each in order of its name.
 * @param {string[]} paths
 * @param {string} main
 * @param {ReadonlySet<string>} closed folders (with slash) whose contents are hidden
 * @returns {Row[]}
 */
export function rowsOf(paths, main, closed) {
  const order = new Intl.Collator("en", { numeric: true }).compare
  /** @param {string} folder @param {number} depth @returns {Row[]} */
  const inside = (folder, depth) => {
    const here = paths.filter((path) => path.startsWith(folder))
    const files = here.filter((path) => !path.slice(folder.length).includes("/"))
    const folders = new Set(
      here
        .map((path) => path.slice(folder.length))
        .filter((rest) => rest.includes("/"))
        .map((rest) => rest.split("/")[0] ?? "")
    )
    return [
      ...files
        .sort((a, b) => Number(b === main) - Number(a === main) || order(a, b))
        .map((path) => ({ path, name: nameOf(path), depth, isFolder: false })),
      ...[...folders].sort(order).flatMap((name) => {
        const path = `${folder}${name}/`
        return [{ path, name, depth, isFolder: true }, ...(closed.has(path) ? [] : inside(path, depth + 1))]
      })
    ]
  }
  return inside("", 0)
}
