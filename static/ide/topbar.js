/**
 * The head of the IDE: the bot's title, whether everything is saved, what visitors have.
 */
import { el, fill } from "../shared/dom.js"
import { icon } from "../shared/icons.js"

/** @typedef {import("./state.js").IdeStore} IdeStore */
/** @typedef {import("./types.js").Bot} Bot */
/** @typedef {import("./types.js").SaveState} SaveState */

/** The worst state of any file is the one to show. @type {SaveState[]} */
const WORST_FIRST = ["conflict", "failed", "offline", "saving", "dirty"]

const SAYS = /** @type {Record<SaveState | "saved", {sign: import("../shared/icons.js").IconName, text: string}>} */ ({
  conflict: { sign: "alert", text: "Changed elsewhere" },
  failed: { sign: "alert", text: "Not saved" },
  offline: { sign: "offline", text: "Offline, kept in this browser" },
  saving: { sign: "clock", text: "Saving" },
  dirty: { sign: "clock", text: "Saving" },
  saved: { sign: "check", text: "Saved" }
})

/** @param {number} count */
const filesChanged = (count) => (count === 0 ? "Up to date" : count === 1 ? "1 file changed" : `${count} files changed`)

/**
 * @param {object} parts
 * @param {HTMLElement} parts.save
 * @param {HTMLElement} parts.share
 * @param {HTMLInputElement} parts.title
 * @param {HTMLElement} parts.heading
 * @param {IdeStore} store
 * @param {{rename: (title: string) => void, share: () => void, announce: (text: string) => void}} hooks
 */
export function mountTopbar({ save, share, title, heading }, store, { rename, share: openShare, announce }) {
  let said = ""

  const drawSave = () => {
    if (!store.get("bot")) return
    const states = Object.values(store.get("saves"))
    const worst = WORST_FIRST.find((state) => states.includes(state)) ?? "saved"
    const { sign, text } = SAYS[worst]
    const isTrouble = worst === "offline" || worst === "conflict" || worst === "failed"
    const live = liveText(store.get("bot"))
    save.className = `save-state${isTrouble ? " save-state--offline" : ""}`
    fill(
      save,
      icon(sign),
      el("span", { class: "save-state__text" }, text),
      live && el("span", { class: "save-state__live" }, live)
    )
    // Spoken only when it matters: every pause in typing would be too often.
    const spoken = isTrouble ? text : said ? "Saved" : ""
    if (spoken && spoken !== said) announce(spoken)
    if (isTrouble) said = spoken
    else if (worst === "saved") said = ""
  }

  const drawShare = () => {
    const bot = store.get("bot")
    share.hidden = !bot
    if (!bot) return
    const isServing = bot.live !== null && !bot.taken_down
    const dot = el("span", { class: `dot dot--${isServing ? "ok" : "off"}` })
    if (!bot.live) fill(share, dot, "Not shared yet")
    else if (bot.taken_down) fill(share, dot, el("b", null, "Taken down"))
    else
      fill(
        share,
        dot,
        el("b", null, `Live v${bot.live.number}`),
        el("span", { class: "share-state__changed" }, filesChanged(bot.changed.length))
      )
  }

  const drawTitle = () => {
    const bot = store.get("bot")
    title.disabled = !bot
    if (bot && document.activeElement !== title) title.value = bot.title
    heading.textContent = bot ? `${bot.title || "Untitled"}, a bot in the Hal9 IDE` : "Hal9 IDE"
  }

  title.addEventListener("change", () => {
    const wanted = title.value.trim()
    if (wanted && wanted !== store.get("bot")?.title) rename(wanted)
    else title.value = store.get("bot")?.title ?? ""
  })
  title.addEventListener("keydown", (event) => {
    if (event.isComposing) return
    if (event.key === "Escape") title.value = store.get("bot")?.title ?? ""
    if (event.key === "Enter" || event.key === "Escape") title.blur()
  })
  share.addEventListener("click", openShare)
  store.watch("saves", drawSave)
  for (const draw of [drawSave, drawShare, drawTitle]) store.watch("bot", draw)
}

/** What a phone shows below the title. @param {Bot | null} bot */
export function liveText(bot) {
  if (!bot?.live) return ""
  if (bot.taken_down) return "Taken down"
  return `Live v${bot.live.number}${bot.changed.length ? ` +${bot.changed.length}` : ""}`
}
