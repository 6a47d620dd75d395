/**
 * The IDE's one store: what the parts of the page read and watch.
 */
import { createStore } from "../shared/store.js"

/** @typedef {import("./types.js").IdeState} IdeState */
/** @typedef {ReturnType<typeof createIdeStore>} IdeStore */

export function createIdeStore() {
  return createStore(
    /** @type {IdeState} */ ({
      bot: null,
      files: [],
      open: [],
      current: null,
      saves: {},
      run: "none",
      chat: null,
      isStale: false,
      isDeploying: false
    })
  )
}

/**
 * The bot that is open. Callers run after the page has one; before that, a missing bot is our own fault.
 * @param {IdeStore} store
 */
export function openBot(store) {
  const bot = store.get("bot")
  if (!bot) throw new Error("No bot is open")
  return bot
}
