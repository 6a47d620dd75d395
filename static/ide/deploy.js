/**
 * The rocket: one click puts the draft live. The dialog that it opens is in share.js, fetched when the pointer comes near.
 */
import { fill, el } from "../shared/dom.js"
import { icon } from "../shared/icons.js"
import { rocketShip } from "../shared/rocket.js"
import { ApiError, apiLines } from "../shared/server.js"

/** @typedef {import("./state.js").IdeStore} IdeStore */
/** @typedef {import("./workspace.js").Workspace} Workspace */
/** @typedef {"check" | "package" | "start" | "health"} StepName */
/** @typedef {{step: StepName, state: "now" | "done" | "failed", seconds?: number}} StepLine */
/** @typedef {{ok?: boolean, url: string, number: number, seconds: number, qr?: boolean}} Deployed */
/** @typedef {{error: string, code?: string, step?: StepName, traceback?: string | null, file?: string | null, line?: number | null}} Refused */

export const STEPS = /** @type {const} */ ([
  ["check", "Check"],
  ["package", "Package"],
  ["start", "Start"],
  ["health", "Health"]
])
const SHOWN_DONE_MS = 2000

/**
 * @param {HTMLButtonElement} rocket
 * @param {IdeStore} store
 * @param {Workspace} workspace
 * @param {() => Promise<typeof import("./share.js")>} dialogs
 * @param {import("./share.js").ShareHooks} hooks
 */
export function mountRocket(rocket, store, workspace, dialogs, hooks) {
  const port = el("span", { class: "rocket__port" }, rocketShip())
  const label = el("span", { class: "rocket__label" }, "Deploy")
  fill(rocket, port, label)
  store.watch("bot", (bot) => {
    rocket.disabled = !bot
  })

  /** @param {string} text @param {number} [done] from 0 to 1 */
  const busy = (text, done = 0) => {
    rocket.classList.add("rocket--busy")
    rocket.ariaBusy = "true"
    rocket.style.setProperty("--done", String(done))
    label.textContent = text
  }

  /** @param {boolean} isLive */
  const rest = (isLive) => {
    rocket.classList.remove("rocket--busy")
    rocket.ariaBusy = null
    label.textContent = isLive ? "Live" : "Deploy"
    fill(port, isLive ? icon("check") : rocketShip())
    if (isLive) setTimeout(() => store.get("isDeploying") || rest(false), SHOWN_DONE_MS)
  }

  const deploy = async () => {
    if (store.get("isDeploying")) return
    store.set({ isDeploying: true })
    busy("Saving")
    const dialog = await dialogs()
    let isLive = false
    try {
      if (!(await workspace.saveAll())) return void hooks.onUnsaved()
      const progress = dialog.openProgress(store, hooks)
      const answer = await launch(workspace.botId, (line) => {
        const index = STEPS.findIndex(([name]) => name === line.step)
        busy(STEPS[index]?.[1] ?? "Deploying", (index + (line.state === "done" ? 1 : 0.5)) / STEPS.length)
        progress.step(line)
      })
      isLive = "url" in answer
      if ("url" in answer) await workspace.refresh().catch(() => {})
      await progress.end(answer)
    } finally {
      store.set({ isDeploying: false })
      rest(isLive)
    }
  }

  rocket.addEventListener("pointerenter", () => void dialogs(), { once: true })
  rocket.addEventListener("focus", () => void dialogs(), { once: true })
  rocket.addEventListener("click", () => void deploy())
  return { deploy }
}

/**
 * Deploys and tells of each step; never throws for what the server refuses.
 * @param {string} botId
 * @param {(line: StepLine) => void} onStep
 * @returns {Promise<Deployed | Refused>}
 */
async function launch(botId, onStep) {
  try {
    for await (const line of apiLines("POST", `bots/${botId}/deploy`, { json: {} })) {
      if ("state" in line) onStep(line)
      else return line
    }
    return { error: "The server ended without an answer. Try again." }
  } catch (error) {
    if (error instanceof ApiError) return { error: error.message, code: error.code, ...error.body }
    // The connection broke between two lines.
    return { error: "The connection was lost while deploying. Look at Versions to see whether it went live." }
  }
}
