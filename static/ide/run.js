/**
 * Run and Stop: one button in one place, the notice that the code is newer than what runs, the state in the title.
 */
import { el, fill } from "../shared/dom.js"
import { icon } from "../shared/icons.js"

/** @typedef {import("./state.js").IdeStore} IdeStore */
/** @typedef {import("./types.js").RunState} RunState */

const TITLES = /** @type {Record<RunState, string>} */ ({
  none: "",
  starting: "Starting: ",
  running: "Running: ",
  waiting: "Waiting: ",
  ended: "",
  reconnecting: "Reconnecting: "
})

/** Whether there is something to stop. @param {RunState} state */
export const isAlive = (state) => state === "running" || state === "waiting"

/**
 * @param {HTMLElement} button
 * @param {HTMLElement} stale
 * @param {IdeStore} store
 * @param {import("./actions.js").Actions} actions
 */
export function mountRun(button, stale, store, actions) {
  const draw = () => {
    const state = store.get("run")
    const isStarting = state === "starting"
    button.className = `btn run${isAlive(state) ? " run--running" : ""}`
    button.ariaDisabled = String(isStarting || store.get("bot") === null)
    button.title = isAlive(state) ? "Stop the bot" : "Save and run"
    button.setAttribute("aria-keyshortcuts", isAlive(state) ? "Control+." : "Control+Enter")
    const sign = isStarting
      ? el("span", { class: "lens lens--thinking", "aria-hidden": true })
      : icon(isAlive(state) ? "stop" : "play")
    fill(button, sign, el("span", null, isStarting ? "Starting" : isAlive(state) ? "Stop" : "Run"))
  }

  const title = () => {
    const name = store.get("bot")?.title
    document.title = name ? `${TITLES[store.get("run")]}${name} - Hal9 IDE` : "Hal9 IDE"
  }

  fill(
    stale,
    el("span", { class: "stale__text" }, "Code changed"),
    el("button", { class: "btn btn--sm", type: "button", "data-act": "run" }, icon("refresh"), "Restart")
  )
  button.addEventListener("click", () => {
    if (button.ariaDisabled !== "true") actions.run(isAlive(store.get("run")) ? "stop" : "run")
  })
  store.watch("run", draw)
  store.watch("bot", draw)
  store.watch("run", title)
  store.watch("bot", title)
  store.watch("isStale", (isStale) => {
    stale.hidden = !isStale
  })
  draw()
}
