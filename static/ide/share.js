/**
 * The share dialog: what visitors have, or how they get it.
 */
import { el } from "../shared/dom.js"
import { openDialog } from "./dialog.js"
import { fillLive } from "./share_link.js"

export { openProgress } from "./share_progress.js"

/** @typedef {import("./state.js").IdeStore} IdeStore */
/** @typedef {import("./types.js").Bot} Bot */
/** @typedef {import("./types.js").Access} Access */

/**
 * @typedef {object} ShareHooks
 * @property {(changes: {access?: Access, taken_down?: boolean, notice?: null}) => Promise<Bot>} patch
 * @property {() => Promise<void>} refresh
 * @property {(path: string) => boolean} isOurs
 * @property {(file: string, line: number) => void} goTo
 * @property {() => void} deploy
 * @property {import("./console.js").Packages} packages
 * @property {() => void} onUnsaved the draft is not on the server, so nothing was deployed
 */

/** Opens the dialog for a bot that has been deployed, or tells how to. @param {IdeStore} store @param {ShareHooks} hooks */
export function openShare(store, hooks) {
  const bot = store.get("bot")
  if (!bot) return
  if (!bot.url) return askForDeploy(bot, hooks)
  const box = openDialog({ title: bot.taken_down ? `${bot.title} is taken down` : `${bot.title} is live`, sub: standing(bot) })
  fillLive(box, bot, store, hooks, () => openShare(store, hooks))
}

/** @param {Bot} bot */
function standing(bot) {
  if (bot.taken_down) return "Visitors see a polite page. The link stays the same when you put it back."
  const number = bot.live?.number
  return bot.changed.length
    ? `Visitors see version ${number}; your draft is newer.`
    : `Visitors see version ${number}, which is your draft.`
}

/** @param {Bot} bot @param {ShareHooks} hooks */
function askForDeploy(bot, hooks) {
  const box = openDialog({
    title: `${bot.title} is not shared yet`,
    width: "narrow",
    sub: "The rocket makes a version of your draft and a link to it. Nothing else to fill in.",
    foot: [
      el("span", null, "Anyone with the link can chat."),
      el(
        "button",
        {
          class: "btn btn--accent",
          type: "button",
          autofocus: true,
          onclick: () => {
            box.close()
            hooks.deploy()
          }
        },
        "Deploy"
      )
    ]
  })
}
