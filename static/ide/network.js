/**
 * Whom the bot's program may reach: nobody, hosts on a list, or the public internet.
 */
import { el } from "../shared/dom.js"
import { icon } from "../shared/icons.js"
import { toast } from "../shared/toast.js"
import { openDialog } from "./dialog.js"

/** @typedef {import("./types.js").Bot} Bot */
/** @typedef {"off" | "list" | "public"} Policy */

/** @type {[Policy, import("../shared/icons.js").IconName, string, string][]} */
const CHOICES = [
  ["off", "lock", "Nobody", "the program stays to itself"],
  ["list", "link", "These hosts", "one on a line, such as api.openai.com or .example.org"],
  ["public", "globe", "The public internet", "ports 80 and 443, never this server's own network"],
]

/**
 * @param {Bot} bot
 * @param {{patch: (changes: {network: string[]}) => Promise<Bot>}} hooks
 */
export function openNetwork(bot, { patch }) {
  const isGuest = !bot.may_use_network
  const hosts = el("textarea", { rows: 4, spellcheck: false, "aria-label": "Hosts, one on a line",
    value: policyOf(bot.network) === "list" ? bot.network.join("\n") : "" })
  const list = el("div", { class: "field field--code network__hosts" }, hosts)
  const problem = el("p", { class: "fault", role: "alert" })
  const rows = CHOICES.map(([policy, sign, name, small]) => el("label", { class: "choice__row" },
    el("input", { class: "radio", type: "radio", name: "network", value: policy, disabled: isGuest,
      checked: policyOf(bot.network) === policy, onchange: choose }),
    icon(sign), el("span", null, el("b", null, name), " ", el("small", null, small))))
  const save = el("button", { class: "btn btn--ink", type: "submit", disabled: isGuest }, "Save")
  const form = el("form", { class: "dialog__part dialog__part--last network", onsubmit: submit },
    el("fieldset", null, el("legend", { class: "sr-only" }, "Whom your bot may reach"), el("div", { class: "choice" }, ...rows)),
    list, problem, save)
  const box = openDialog({
    title: "Network",
    sub: isGuest
      ? "Bots of guests can't use the network. Take a name or sign in, and choose here whom yours may reach."
      : "Whom your bot's program may reach. It takes effect at the next Run, and for visitors when their chat starts again.",
    body: [form],
    width: "narrow",
  })
  choose()

  function chosen() {
    return /** @type {Policy} */ (new FormData(form).get("network") ?? policyOf(bot.network))
  }

  function choose() {
    list.hidden = chosen() !== "list"
  }

  /** @param {Event} event */
  function submit(event) {
    event.preventDefault()
    const lines = hosts.value.split("\n").map((line) => line.trim()).filter(Boolean)
    const network = { off: [], list: lines, public: ["*"] }[chosen()]
    patch({ network }).then(() => {
      box.close()
      toast("Saved. It takes effect at the next Run.")
    }).catch((error) => {
      problem.textContent = error.message
    })
  }
}

/** @param {string[]} network @returns {Policy} */
export function policyOf(network) {
  if (network.length === 0) return "off"
  return network[0] === "*" ? "public" : "list"
}
