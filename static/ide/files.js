/**
 * The list of the bot's files: open, make, rename in place, delete, drop files onto it. Works by keys alone.
 */
import { el, fill } from "../shared/dom.js"
import { icon } from "../shared/icons.js"
import { dropTarget } from "./drop.js"
import { nameField } from "./name_field.js"
import { extensionOf, folderOf, rowsOf } from "./paths.js"

/** @typedef {import("./paths.js").Row} Row */
/** @typedef {import("./state.js").IdeStore} IdeStore */
/** @typedef {import("./file_work.js").FileWork} FileWork */
/** @typedef {{rename: Row} | {folder: string}} Naming what gets a name: a row, or a new file in a folder ("" is the root) */

/**
 * @param {HTMLElement} host the whole panel
 * @param {HTMLElement} list
 * @param {IdeStore} store
 * @param {{show: (path: string) => void, work: FileWork, chooseFiles: (folder: string) => void}} hooks
 */
export function mountFiles(host, list, store, { show, work, chooseFiles }) {
  /** @type {Set<string>} */
  const closed = new Set()
  /** @type {Naming | null} */
  let naming = null

  const paths = () => store.get("files").map(({ path }) => path)
  const rows = () => rowsOf(paths(), store.get("bot")?.main ?? "", closed)
  const buttons = () => [.../** @type {NodeListOf<HTMLElement>} */ (list.querySelectorAll("button[data-path]"))]

  /** @param {string | undefined} path */
  const focusPath = (path) =>
    buttons()
      .find((button) => button.dataset.path === path)
      ?.focus()

  const draw = () => {
    if (!store.get("bot")) return
    const active = document.activeElement
    const focused = active instanceof HTMLElement && list.contains(active) ? active.dataset.path : undefined
    const nodes = rows().map((row) =>
      naming && "rename" in naming && naming.rename.path === row.path ? field(naming) : item(row)
    )
    if (naming && "folder" in naming) nodes.unshift(field(naming))
    fill(list, ...(nodes.length ? nodes : [el("li", { class: "caption files__empty" }, "No files yet.")]))
    if (focused !== undefined) focusPath(focused)
  }

  /** @param {Row} row */
  const item = (row) => {
    const button = el(
      "button",
      {
        class: `files__item files__item--depth${Math.min(row.depth, 4)}`,
        type: "button",
        "data-path": row.path,
        title: row.path.replace(/\/$/, ""),
        "aria-current": store.get("current") === row.path ? "true" : null,
        "aria-expanded": row.isFolder ? !closed.has(row.path) : null,
        onclick: () => (row.isFolder ? toggle(row.path) : show(row.path))
      },
      icon(row.isFolder ? "folder" : kindOf(row.path)),
      el("span", { class: "files__name" }, row.name),
      ...marks(store, row, closed)
    )
    const more = el(
      "button",
      {
        class: "btn btn--quiet btn--icon btn--sm files__more",
        type: "button",
        tabIndex: -1,
        "aria-label": `More for ${row.name}`,
        "aria-haspopup": "menu"
      },
      icon("dots")
    )
    const node = el("li", { class: "files__row" }, button, more)
    more.addEventListener("click", () => void menu(more, row))
    node.addEventListener("contextmenu", (event) => {
      event.preventDefault()
      void menu(more, row, { x: event.clientX, y: event.clientY })
    })
    return node
  }

  /** @param {HTMLElement} anchor @param {Row} row @param {{x: number, y: number}} [at] */
  const menu = async (anchor, row, at) => {
    const { openMenu } = await import("./menu.js")
    /** @type {import("./menu.js").Item[]} */
    const own = row.isFolder
      ? [
          { label: "New file here", icon: "plus", run: () => name({ folder: row.path }) },
          { label: "Upload here", icon: "upload", run: () => chooseFiles(row.path) }
        ]
      : [{ label: "Download", icon: "download", run: () => void work.download(row.path) }]
    openMenu(
      anchor,
      row.name,
      [
        ...own,
        { label: "Rename", icon: "pencil", end: "F2", run: () => name({ rename: row }) },
        "line",
        { label: "Delete", icon: "trash", end: "Delete", isBad: true, run: () => void work.remove(row.path) }
      ],
      at
    )
  }

  /** @param {Naming} what */
  const field = (what) => {
    const row = "rename" in what ? what.rename : null
    const folder = row ? folderOf(row.path.replace(/\/$/, "")) : "folder" in what ? what.folder : ""
    const depth = Math.min(folder.split("/").length - 1, 4)
    return nameField({
      value: row?.name ?? "",
      folder,
      className: `files__item--depth${depth}`,
      label: row ? `New name of ${row.name}` : "Name of the new file",
      taken: paths().filter((path) => path !== row?.path),
      onEnd(path) {
        naming = null
        draw()
        focusPath(row?.path ?? store.get("current") ?? undefined)
        if (path === null) return
        if (row) void work.rename(row.path, row.isFolder ? `${path}/` : path)
        else void work.create(path)
      }
    })
  }

  /** @param {Naming} what */
  const name = (what) => {
    naming = what
    if ("folder" in what) closed.delete(what.folder)
    draw()
  }

  /** @param {string} folder */
  const toggle = (folder) => {
    if (!closed.delete(folder)) closed.add(folder)
    draw()
  }

  /** @param {KeyboardEvent} event @param {Row} row @param {HTMLElement[]} all @param {number} index @returns {boolean} whether the key meant something */
  const press = (event, row, all, index) => {
    const move = { ArrowDown: index + 1, ArrowUp: index - 1, Home: 0, End: all.length - 1 }[event.key]
    if (move !== undefined) all[move]?.focus()
    else if (event.key === "ArrowRight" && row.isFolder && closed.has(row.path)) toggle(row.path)
    else if (event.key === "ArrowLeft" && row.isFolder && !closed.has(row.path)) toggle(row.path)
    else if (event.key === "F2") name({ rename: row })
    else if (event.key === "Delete") void work.remove(row.path)
    else if (event.key === "ContextMenu" || (event.key === "F10" && event.shiftKey)) {
      const more = all[index]?.parentElement?.querySelector(".files__more")
      if (more instanceof HTMLElement) void menu(more, row)
    } else return false
    return true
  }

  list.addEventListener("keydown", (event) => {
    const all = buttons()
    const index = all.findIndex((button) => button === event.target)
    const row = rows().find(({ path }) => path === all[index]?.dataset.path)
    if (row && press(event, row, all, index)) event.preventDefault()
  })

  dropTarget(host, "files--drop", (files, target) => {
    const over = target.closest("[data-path]")
    const path = over instanceof HTMLElement ? (over.dataset.path ?? "") : ""
    void work.upload(files, folderOf(path))
  })

  for (const key of /** @type {const} */ (["bot", "files", "current", "saves"])) store.watch(key, () => naming === null && draw())
  return {
    newFile: () => name({ folder: "" }),
    /** @param {string} path */
    rename(path) {
      const row = rowsOf(paths(), "", new Set()).find((one) => one.path === path)
      if (!row) return
      for (const folder of closed) if (path.startsWith(folder)) closed.delete(folder)
      name({ rename: row })
    }
  }
}

/** The marks at the end of a row: changed since the live version, not saved. @param {IdeStore} store @param {Row} row @param {Set<string>} closed */
function marks(store, row, closed) {
  const bot = store.get("bot")
  const isInside = (/** @type {string} */ path) =>
    row.isFolder ? closed.has(row.path) && path.startsWith(row.path) : path === row.path
  const isChanged = Boolean(bot?.live && bot.changed.some(isInside))
  const since = `hanged since v${bot?.live?.number}`
  return [
    isChanged &&
      el(
        "span",
        { class: "files__mark badge badge--warn", title: `C${since}` },
        "M",
        el("span", { class: "sr-only" }, `: c${since}`)
      ),
    store.get("saves")[row.path] && el("span", { class: "dot dot--dirty", title: "Not saved yet" })
  ]
}

/** @param {string} path */
function kindOf(path) {
  const extension = extensionOf(path)
  if (extension === "py") return "python"
  return /^(png|jpe?g|gif|webp|svg|avif)$/.test(extension) ? "image" : "file"
}
