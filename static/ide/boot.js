/**
 * Which bot the page opens: the one in its address, the last one, the latest one, else a new echo. Its requests are sent as
 * early as they can be.
 */
import { keep, kept } from "../shared/keep.js"
import { ApiError, api, ensureSession } from "../shared/server.js"
import { placesOf } from "./places.js"
import { getFile } from "./server_files.js"

/** @typedef {import("./workspace.js").BotAnswer} BotAnswer */

/**
 * A bot, with the answers that are on their way. `chat` is a new chat that a new bot gets; null where chats must be looked up.
 * @typedef {object} Choice
 * @property {string} id
 * @property {boolean} isUnrun wait for Run
 * @property {Promise<BotAnswer>} answer
 * @property {import("./workspace.js").Early} early
 * @property {Promise<{id: string}> | null} chat
 */

const LAST = "hal9.bot"
const FROM_LINK = "hal9.linked"
const LINKED_MOST = 20

/** Puts the bot into the page's address, so that a reload or a bookmark finds it. @param {string} id */
export function remember(id) {
  keep(LAST, id)
  history.replaceState(null, "", `/?bot=${encodeURIComponent(id)}`)
}

/** The bot that was open is gone. */
export function forgetLast() {
  keep(LAST, null)
}

/**
 * Asks for a bot, the file in front and, for a new one, a chat, all at once.
 * @param {string} id
 * @param {{isNew?: boolean, isUnrun?: boolean}} [how]
 * @returns {Choice}
 */
export function ask(id, { isNew = false, isUnrun = false } = {}) {
  const path = placesOf(id)?.current ?? "app.py"
  const answer = api("GET", `bots/${encodeURIComponent(id)}`)
  const chat = isNew && !isUnrun ? api("POST", `bots/${id}/chats`, { json: {} }) : null
  // Whoever waits for them gets the failure; until then it must not count as unhandled.
  answer.catch(() => {})
  chat?.catch(() => {})
  return { id, isUnrun, answer, chat, early: { path, stored: getFile(id, path).catch(() => null) } }
}

/**
 * @param {URLSearchParams} query
 * @param {string | undefined} code what /devs?code=… carries
 * @returns {Promise<Choice>}
 */
export async function chooseBot(query, code) {
  if (code !== undefined) return fromCode(code)
  const wanted = query.get("bot") ?? kept(LAST)
  const session = ensureSession()
  if (typeof wanted === "string" && wanted) {
    // Asked at once beside the session: whoever has been here before has a cookie.
    const choice = ask(wanted)
    const isThere = await choice.answer.then(
      () => true,
      (error) => (isAbsent(error) ? false : Promise.reject(error))
    )
    if (isThere) return choice
  }
  await session
  const { bots } = await api("GET", "bots")
  if (bots[0]) return ask(bots[0].id)
  return ask((await api("POST", "bots", { json: { template: "echo" } })).id, { isNew: true })
}

/** @param {unknown} error */
function isAbsent(error) {
  return error instanceof ApiError && [401, 403, 404].includes(error.status)
}

/**
 * A bot that holds code which came with a link: the one made for the same code before, if it still holds it, else a new
 * one. It does not run: a link is something that a stranger may have written.
 * @param {string} code
 * @returns {Promise<Choice>}
 */
async function fromCode(code) {
  await ensureSession()
  /** @type {[string, string][]} */
  const linked = kept(FROM_LINK) ?? []
  const key = await digest(code)
  const known = linked.find(([hash]) => hash === key)?.[1]
  const bot = known ? await api("GET", `bots/${known}`).catch(() => null) : null
  if (bot?.files.some((/** @type {{path: string, etag: string}} */ file) => file.path === "app.py" && file.etag.includes(key))) {
    return ask(bot.id, { isUnrun: true })
  }
  const { id } = await api("POST", "bots", { json: { title: "From a link", files: { "app.py": code } } })
  keep(FROM_LINK, [[key, id], ...linked.filter(([hash]) => hash !== key)].slice(0, LINKED_MOST))
  return ask(id, { isNew: true, isUnrun: true })
}

/** The etag that a file with this text has; "" where the browser does not compute it (a page over plain http). @param {string} text */
async function digest(text) {
  const bytes = await crypto.subtle?.digest("SHA-256", new TextEncoder().encode(text))
  return bytes ? [...new Uint8Array(bytes)].map((byte) => byte.toString(16).padStart(2, "0")).join("") : `text:${text}`
}
