/**
 * The list of versions: which one serves, and one click back to another.
 */
import { el, fill } from "../shared/dom.js"
import { icon } from "../shared/icons.js"
import { ApiError, api } from "../shared/server.js"
import { toast } from "../shared/toast.js"
import { openDialog } from "./dialog.js"
import { ago } from "./time.js"

/** @typedef {import("./types.js").VersionRow} VersionRow */

const FROM = /** @type {Record<string, string>} */ ({ rocket: "the rocket", cli: "the command line", api: "the API" })

/**
 * @param {import("./state.js").IdeStore} store
 * @param {{refresh: () => Promise<void>}} hooks
 */
export async function openVersions(store, { refresh }) {
  const bot = store.get("bot")
  if (!bot) return
  const list = el("ul", { class: "rows" }, el("li", { class: "rows__row" }, el("span", { class: "skeleton skeleton--row" })))
  openDialog({
    title: "Versions",
    sub: "Each deploy makes one. Going back takes effect for new conversations; running ones stay where they began.",
    body: [el("div", { class: "dialog__part dialog__part--last" }, list)]
  })
  await draw()

  async function draw() {
    try {
      const { versions } = await api("GET", `bots/${bot?.id}/versions`)
      const rows = /** @type {VersionRow[]} */ (versions).toSorted((a, b) => b.number - a.number)
      fill(
        list,
        ...(rows.length ? rows.map(row) : [el("li", { class: "caption" }, "No versions yet. The rocket makes the first.")])
      )
    } catch (error) {
      if (!(error instanceof ApiError)) throw error
      fill(
        list,
        el(
          "li",
          null,
          el(
            "div",
            { class: "notice notice--bad" },
            icon("alert"),
            el("span", null, error.message),
            el("button", { class: "btn btn--sm", type: "button", onclick: () => void draw() }, "Try again")
          )
        )
      )
    }
  }

  /** @param {VersionRow} version */
  function row({ number, created_at_ms: at, by, source, is_live: isLive }) {
    return el(
      "li",
      { class: "rows__row" },
      el("span", { class: `dot dot--${isLive ? "ok" : "off"}` }),
      el(
        "span",
        { class: "rows__text" },
        el("b", null, `Version ${number}`),
        el("small", null, `${ago(at)} from ${FROM[source] ?? source}${by && !by.startsWith("guest-") ? ` by ${by}` : ""}`)
      ),
      isLive
        ? el("span", { class: "badge badge--ok" }, "Live")
        : el(
            "button",
            {
              class: "btn btn--sm",
              type: "button",
              "aria-label": `Make version ${number} live`,
              onclick: () => void goTo(number)
            },
            "Make live"
          )
    )
  }

  /** @param {number} number */
  async function goTo(number) {
    try {
      await api("POST", `bots/${bot?.id}/live`, { json: { version: number } })
      await refresh()
      await draw()
      toast(`Version ${number} is live`)
    } catch (error) {
      if (!(error instanceof ApiError)) throw error
      toast(`Version ${number} did not go live. ${error.message}`, { kind: "bad" })
    }
  }
}
