/**
 * Your bots: open one, make one from a template, rename, delete with undo.
 */
import { el, fill } from "../shared/dom.js"
import { icon } from "../shared/icons.js"
import { api } from "../shared/server.js"
import { toast } from "../shared/toast.js"
import { attempt } from "./attempt.js"
import { openDialog } from "./dialog.js"
import { ago } from "./time.js"

/** @typedef {import("./types.js").BotRow} BotRow */
/** @typedef {import("./types.js").Template} Template */

/**
 * @typedef {object} BotsHooks
 * @property {string} current the id of the bot that is open
 * @property {(id: string, isNew?: boolean) => void} open
 * @property {(id: string, title: string) => void} onRenamed
 * @property {(id: string) => void} onDeleted
 */

/** @param {BotsHooks} hooks @param {"list" | "new"} [start] where the focus begins */
export async function openBots(hooks, start = "list") {
  const templates = el(
    "div",
    { class: "templates" },
    ...Array.from({ length: 3 }, () => el("span", { class: "templates__one" }, el("span", { class: "skeleton" })))
  )
  const list = el("ul", { class: "rows" }, el("li", { class: "rows__row" }, el("span", { class: "skeleton skeleton--row" })))
  const newTitle = el("h3", { class: "dialog__label", id: "bots-new" }, "New bot from")
  const box = openDialog({
    title: "Your bots",
    body: [
      el("section", { class: "dialog__part", "aria-labelledby": "bots-new" }, newTitle, templates),
      el("section", { class: "dialog__part dialog__part--last", "aria-label": "Bots you have" }, list)
    ]
  })
  await Promise.all([drawTemplates(), drawList()])
  const first = (start === "new" ? templates : list).querySelector("button")
  if (first instanceof HTMLElement && box.isOpen) first.focus()

  async function drawTemplates() {
    await attempt("Templates can't be listed.", async () => {
      const answer = await api("GET", "templates")
      fill(
        templates,
        .../** @type {Template[]} */ (answer.templates).map(({ id, title, description }) =>
          el(
            "button",
            { class: "templates__one", type: "button", onclick: () => void create(id) },
            el("b", null, title),
            el("small", null, description)
          )
        )
      )
    })
  }

  async function drawList() {
    await attempt("Your bots can't be listed.", async () => {
      const { bots } = await api("GET", "bots")
      const rows = /** @type {BotRow[]} */ (bots).toSorted((a, b) => b.updated_at_ms - a.updated_at_ms)
      fill(list, ...(rows.length ? rows.map(row) : [el("li", { class: "caption" }, "No bots yet. Choose a template above.")]))
    })
  }

  /** @param {string} template */
  async function create(template) {
    await attempt("The bot was not made.", async () => {
      const { id } = await api("POST", "bots", { json: { template } })
      box.close()
      hooks.open(id, true)
    })
  }

  /** @param {BotRow} bot @returns {HTMLElement} */
  function row(bot) {
    const title = bot.title || "Untitled"
    const state = bot.live ? `Live v${bot.live.number}` : "Not shared"
    const text = el(
      "span",
      { class: "rows__text" },
      el("b", null, title),
      el("small", null, `${state}, changed ${ago(bot.updated_at_ms)}`)
    )
    const open = el(
      "button",
      {
        class: "rows__open",
        type: "button",
        "aria-current": bot.id === hooks.current ? "true" : null,
        onclick: () => {
          box.close()
          hooks.open(bot.id)
        }
      },
      el("span", { class: `dot dot--${bot.live ? "ok" : "off"}` }),
      text,
      bot.id === hooks.current && el("span", { class: "badge" }, "Open")
    )
    const rename = tool("pencil", `Rename ${title}`, () => edit(bot, node))
    const remove = tool("trash", `Delete ${title}`, () => void drop(bot, node))
    const node = el("li", { class: "rows__row" }, open, rename, remove)
    open.addEventListener("keydown", (event) => {
      if (event.key === "F2") edit(bot, node)
      else if (event.key === "Delete") void drop(bot, node)
      else return
      event.preventDefault()
    })
    return node
  }

  /** @param {BotRow} bot @param {HTMLElement} node */
  function edit(bot, node) {
    const field = el("input", {
      class: "files__field",
      value: bot.title,
      maxLength: 80,
      "aria-label": `New name of ${bot.title}`
    })
    let isOver = false
    const end = async (/** @type {boolean} */ isKept) => {
      if (isOver) return
      isOver = true
      const title = field.value.trim()
      if (isKept && title && title !== bot.title) {
        await attempt("It was not renamed.", async () => {
          await api("PATCH", `bots/${bot.id}`, { json: { title } })
          bot = { ...bot, title }
          hooks.onRenamed(bot.id, title)
        })
      }
      const again = row(bot)
      line.replaceWith(again)
      again.querySelector("button")?.focus()
    }
    field.addEventListener("keydown", (event) => {
      if (event.isComposing || (event.key !== "Enter" && event.key !== "Escape")) return
      event.preventDefault()
      event.stopPropagation()
      void end(event.key === "Enter")
    })
    field.addEventListener("blur", () => void end(true))
    const line = el("li", { class: "rows__row" }, field)
    node.replaceWith(line)
    field.select()
  }

  /** @param {BotRow} bot @param {HTMLElement} node */
  async function drop(bot, node) {
    await attempt("It was not deleted.", async () => {
      await api("DELETE", `bots/${bot.id}`)
      const next = node.nextElementSibling ?? node.previousElementSibling
      node.remove()
      next?.querySelector("button")?.focus()
      toast(`${bot.title || "Untitled"} deleted`, { action: "Undo", onAction: () => void restore(bot) })
      hooks.onDeleted(bot.id)
    })
  }

  /** @param {BotRow} bot */
  async function restore(bot) {
    await attempt("It was not brought back.", async () => {
      await api("POST", `bots/${bot.id}/restore`, { json: {} })
      if (box.isOpen) await drawList()
      else toast(`${bot.title || "Untitled"} is back`)
    })
  }
}

/** @param {import("../shared/icons.js").IconName} sign @param {string} label @param {() => void} onclick */
function tool(sign, label, onclick) {
  return el(
    "button",
    { class: "btn btn--quiet btn--icon btn--sm", type: "button", "aria-label": label, title: label, onclick },
    icon(sign)
  )
}
