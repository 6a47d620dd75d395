/**
 * The row of open files above the editor.
 */
import { el, fill } from "../shared/dom.js"
import { nameOf } from "./paths.js"

const SAYS = /** @type {Record<string, string>} */ ({
  dirty: "not saved yet",
  saving: "saving",
  offline: "kept in this browser",
  conflict: "changed elsewhere",
  failed: "not saved"
})

/**
 * @param {HTMLElement} host
 * @param {import("./state.js").IdeStore} store
 * @param {{show: (path: string) => void, close: (path: string) => void}} workspace
 */
export function mountTabs(host, store, workspace) {
  const draw = () => {
    const hadFocus = host.contains(document.activeElement)
    const { open, current, saves } = { open: store.get("open"), current: store.get("current"), saves: store.get("saves") }
    const names = open.map(nameOf)
    fill(
      host,
      ...open.map((path) => {
        const isTwice = names.filter((name) => name === nameOf(path)).length > 1
        return tab(path, isTwice ? path : nameOf(path), path === current, saves[path])
      })
    )
    const front = host.querySelector("[aria-selected=true]")
    if (front instanceof HTMLElement && hadFocus) front.focus()
    front?.scrollIntoView?.({ block: "nearest", inline: "nearest" })
  }

  /** @param {string} path @param {string} label @param {boolean} isFront @param {string | undefined} state */
  const tab = (path, label, isFront, state) => {
    const node = el(
      "button",
      {
        class: "tab",
        type: "button",
        role: "tab",
        "aria-selected": isFront,
        "aria-controls": "editor-host",
        tabIndex: isFront ? 0 : -1,
        title: path,
        onclick: () => workspace.show(path)
      },
      label,
      state && el("span", { class: "dot dot--dirty", title: SAYS[state] }),
      state && el("span", { class: "sr-only" }, `, ${SAYS[state]}`),
      // For the pointer only: a tab holds no other control. Delete closes it from the keyboard, and so does the file's menu.
      el(
        "span",
        {
          class: "tab__close",
          "aria-hidden": true,
          onclick: (event) => {
            event.stopPropagation()
            workspace.close(path)
          }
        },
        "\u00d7"
      )
    )
    node.addEventListener("auxclick", (event) => {
      if (event.button === 1) workspace.close(path)
    })
    return node
  }

  host.addEventListener("keydown", (event) => {
    const open = store.get("open")
    const index = open.indexOf(store.get("current") ?? "")
    const next = { ArrowRight: index + 1, ArrowLeft: index - 1 + open.length, Home: 0, End: open.length - 1 }[event.key]
    const path = open[index]
    if (next !== undefined) workspace.show(open[next % open.length] ?? "")
    else if (event.key === "Delete" && path) workspace.close(path)
    else return
    event.preventDefault()
  })
  store.watch("open", draw)
  store.watch("current", draw)
  store.watch("saves", draw)
}
