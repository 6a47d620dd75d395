/**
 * The developers' page: make a token (shown once), list and revoke tokens, the commands for two kinds of shell.
 */
import { el, fill, find } from "./shared/dom.js"
import { icon } from "./shared/icons.js"
import { api, ensureSession } from "./shared/server.js"
import { toast } from "./shared/toast.js"
import { attempt } from "./ide/attempt.js"
import { confirmed } from "./ide/dialog.js"
import { ago } from "./ide/time.js"

/** @typedef {{id: string, prefix: string, scope: string, created_at_ms: number, last_used_at_ms: number | null}} TokenRow */

const rows = find("#tokens", HTMLElement)
/** The token that was made on this page. @type {{id: string, token: string} | null} */
let latest = null

for (const button of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[data-shell]"))) {
  button.addEventListener("click", () => chooseShell(button.dataset.shell ?? ""))
}
if (/Win/.test(navigator.platform)) chooseShell("windows")
find("[data-new-token]", HTMLElement).addEventListener("click", () => void make())
void list()

/** @param {string} shell */
function chooseShell(shell) {
  for (const button of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[data-shell]"))) {
    button.ariaPressed = String(button.dataset.shell === shell)
  }
  for (const part of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[data-for]")))
    part.hidden = part.dataset.for !== shell
}

async function list() {
  await attempt("Your tokens can't be listed.", async () => {
    await ensureSession()
    const { tokens } = await api("GET", "tokens")
    draw(tokens)
  })
}

/** @param {TokenRow[]} tokens */
function draw(tokens) {
  const none = el("tr", null, el("td", { colSpan: 5 }, el("span", { class: "caption" }, "No tokens yet.")))
  fill(rows, ...(tokens.length ? tokens.map(row) : [none]))
}

/** @param {TokenRow} token */
function row({ id, prefix, scope, created_at_ms: made, last_used_at_ms: used }) {
  return el(
    "tr",
    null,
    el(
      "td",
      null,
      el("code", null, `${prefix}\u2026`),
      " ",
      latest?.id === id && el("span", { class: "badge badge--ok" }, "New")
    ),
    el("td", null, scope),
    el("td", null, ago(made)),
    el("td", null, used ? ago(used) : "never"),
    el(
      "td",
      null,
      el(
        "button",
        {
          class: "btn btn--quiet btn--sm btn--bad",
          type: "button",
          "aria-label": `Revoke ${prefix}`,
          onclick: () => void revoke(id, prefix)
        },
        "Revoke"
      )
    )
  )
}

async function make() {
  await attempt("No token was made.", async () => {
    latest = await api("POST", "tokens", { json: {} })
    show(latest?.token ?? "")
    await list()
  })
}

/** @param {string} token */
function show(token) {
  find("#token-says", HTMLElement).textContent = "This one is new. Copy it now: it is stored hashed and is never shown again."
  const copy = el(
    "button",
    { class: "btn btn--quiet btn--icon btn--sm", type: "button", "data-copy": token, "aria-label": "Copy the new token" },
    icon("copy")
  )
  const again = el(
    "button",
    { class: "btn btn--quiet btn--sm", type: "button", onclick: () => void make() },
    icon("plus"),
    "One more"
  )
  fill(
    find("#token-new", HTMLElement),
    el(
      "div",
      { class: "cmd cmd--new" },
      el("pre", { tabIndex: 0, role: "group", "aria-label": "The new token" }, el("code", null, token)),
      copy
    ),
    again
  )
  for (const node of document.querySelectorAll("[data-for] .cmd")) fillIn(node, token)
  copy.focus()
}

/** Puts the token into the commands. @param {Element} command @param {string} token */
function fillIn(command, token) {
  const code = command.querySelector("code")
  const copy = command.querySelector("[data-copy]")
  if (!code?.textContent || !(copy instanceof HTMLElement)) return
  code.textContent = code.textContent.replace(/\bhal9_[\w\u2026-]+/, token)
  copy.dataset.copy = code.textContent
}

/** @param {string} id @param {string} prefix */
async function revoke(id, prefix) {
  const text = "Whatever uses it can't deploy from then on. Bots stay."
  if (!(await confirmed({ title: `Revoke ${prefix}\u2026?`, text, verb: "Revoke", isBad: true }))) return
  await attempt("It was not revoked.", async () => {
    await api("DELETE", `tokens/${id}`)
    await list()
    toast("The token is revoked")
  })
}
