/**
 * The finder: type a few letters, open a file or do anything.
 */
import { el, fill } from "../shared/dom.js"
import { icon } from "../shared/icons.js"
import { keyNames } from "./actions.js"

/** @typedef {{label: string, detail: string, keys: string[], sign: import("../shared/icons.js").IconName, run: () => void}} Found */

const MOST = 50

/**
 * How well a label matches: 0 for not at all. All letters must come in order; beginnings of words count most.
 * @param {string} wanted
 * @param {string} label
 */
export function score(wanted, label) {
  const text = label.toLowerCase()
  let total = 1
  let from = 0
  for (const letter of wanted.toLowerCase().replaceAll(" ", "")) {
    const index = text.indexOf(letter, from)
    if (index < 0) return 0
    const isStart = index === 0 || /[\s/._-]/.test(text[index - 1] ?? "")
    total += isStart ? 8 : index === from ? 4 : 1
    from = index + 1
  }
  return total - label.length / 100
}

/**
 * @param {import("./actions.js").Actions} actions
 * @param {import("./state.js").IdeStore} store
 * @param {(path: string) => void} show
 */
export function openFinder(actions, store, show) {
  /** @type {Found[]} */
  const all = [
    ...actions
      .list()
      .filter((action) => !action.isHidden)
      .map(({ id, label, keys, icon: sign }) => ({
        label,
        detail: "",
        keys: keys?.[0] ? keyNames(keys[0]) : [],
        sign: sign ?? /** @type {const} */ ("play"),
        run: () => actions.run(id)
      })),
    ...store
      .get("files")
      .map(({ path }) => ({ label: path, detail: "file", keys: [], sign: /** @type {const} */ ("file"), run: () => show(path) }))
  ]
  /** @type {Found[]} */
  let found = all
  let chosen = 0
  const list = el("ul", { class: "finder-list", id: "finder-list", role: "listbox", "aria-label": "Found" })
  const none = el("p", { class: "caption finder-list__none", hidden: true }, "Nothing is called that.")
  const field = el("input", {
    type: "text",
    placeholder: "Find or do anything",
    autocomplete: "off",
    spellcheck: false,
    role: "combobox",
    "aria-label": "Find or do anything",
    "aria-controls": "finder-list",
    "aria-expanded": "true",
    "aria-autocomplete": "list",
    autofocus: true
  })
  const dialog = el(
    "dialog",
    { class: "dialog dialog--finder", "aria-label": "Find or do anything" },
    el("div", { class: "finder-field" }, icon("search"), field),
    list,
    none
  )

  const draw = () => {
    fill(
      list,
      ...found.map((one, index) =>
        el(
          "li",
          {
            class: "menu__item",
            id: `found-${index}`,
            role: "option",
            "aria-selected": index === chosen,
            onclick: () => take(one)
          },
          icon(one.sign),
          el("span", { class: "menu__name" }, one.label),
          one.detail && el("span", { class: "menu__end" }, one.detail),
          ...one.keys.map((key) => el("kbd", { class: "kbd" }, key))
        )
      )
    )
    none.hidden = found.length > 0
    if (found.length) field.setAttribute("aria-activedescendant", `found-${chosen}`)
    else field.removeAttribute("aria-activedescendant")
    list.querySelector("[aria-selected=true]")?.scrollIntoView({ block: "nearest" })
  }

  /** @param {Found | undefined} one */
  const take = (one) => {
    if (!one) return
    dialog.close()
    one.run()
  }

  field.addEventListener("input", () => {
    const wanted = field.value.trim()
    const scored = all.map((one) => ({ one, points: wanted ? score(wanted, one.label) : 1 })).filter(({ points }) => points > 0)
    found = scored
      .sort((a, b) => b.points - a.points)
      .slice(0, MOST)
      .map(({ one }) => one)
    chosen = 0
    draw()
  })
  field.addEventListener("keydown", (event) => {
    if (event.isComposing) return
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key]
    if (step && found.length) chosen = (chosen + step + found.length) % found.length
    else if (event.key === "Enter") return take(found[chosen])
    else return
    event.preventDefault()
    draw()
  })
  dialog.addEventListener("pointerdown", (event) => {
    if (event.target === dialog) dialog.close()
  })
  dialog.addEventListener("close", () => dialog.remove())
  document.body.append(dialog)
  dialog.showModal()
  draw()
}
