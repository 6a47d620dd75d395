/**
 * What people are told while a bot works and when its run has ended. Pure; every sentence says what happened and what to do.
 */
/** @import { ChatState, End, Ending, Role, WritingSign } from "./types.js" */

const SLOW_MS = 10_000
const AGAIN = "Your next message starts it again."

/** @type {Record<string, {author: string, visitor: string}>} */
const LIMITS = {
  timed_out: {
    author: "Your bot ran out of time",
    visitor: "This took too long, so the bot was stopped",
  },
  out_of_memory: {
    author: "Your bot used more memory than it may",
    visitor: "The bot ran out of memory",
  },
  output_limit: {
    author: "Your bot printed more than it may in one turn",
    visitor: "The bot wrote more than fits here",
  },
}

/**
 * How the end of a run is shown, or null where nothing needs to be said.
 * @param {End} end
 * @param {Role} role
 * @param {string} chatId
 * @returns {Ending | null}
 */
export function ending(end, role, chatId) {
  const isAuthor = role === "author"
  const limit = LIMITS[end.reason]
  if (limit) return isAuthor ? card(limit.author, `The console names the limit. ${AGAIN}`) : notice(limit.visitor, AGAIN)
  switch (end.reason) {
    case "crashed":
      return isAuthor ? card("Your bot stopped", AGAIN) : notice(`Something went wrong in this bot (${reference(end, chatId)})`, AGAIN)
    case "stopped":
      return end.place === "during" ? null : note(end.place === "before" ? "Stopped before it answered" : "Stopped")
    case "idle":
      return note(`The bot went to sleep. ${AGAIN}`)
    case "lost":
      return notice("The bot was interrupted", "What was shown is kept. Send your message again.")
    default:
      return exited(end, isAuthor)
  }
}

/**
 * What a visitor can quote: the beginning of the chat's id and the number of the frame, short enough to read out.
 * @param {End} end
 * @param {string} chatId
 */
function reference(end, chatId) {
  return `${chatId.slice(0, 4)}-${end.seq.toString(16).padStart(4, "0")}`
}

/** @param {End} end @param {boolean} isAuthor */
function exited(end, isAuthor) {
  if (isAuthor && end.exitStatus) return note(`The program ended with status ${end.exitStatus}`)
  if (end.place !== "before") return null
  if (isAuthor) return note("The program ended without printing anything")
  return end.isFirst ? null : note("The bot had nothing to say")
}

/** @param {string} title @param {string} text @returns {Ending} */
const card = (title, text) => ({ look: "crash", title, text })

/** @param {string} title @param {string} text @returns {Ending} */
const notice = (title, text) => ({ look: "notice", title, text })

/** @param {string} title @returns {Ending} */
const note = (title) => ({ look: "note", title, text: "" })

/**
 * The sign that a bot is at work: what it says and where it stands.
 * @param {ChatState} state
 * @param {{now: number, turnAt: number, newsAt: number}} times when the turn began and when the last frame came, in ms
 * @returns {WritingSign | null} null while nothing is awaited
 */
export function writing(state, { now, turnAt, newsAt }) {
  const isRunning = state.phase === "running" || state.phase === "starting"
  const isAwaited = state.outbox.some((message) => message.status !== "refused")
  if (!isRunning && !isAwaited) return null
  const last = state.items.at(-1)
  const isBelowReply = isRunning && last?.kind === "reply" && last.isLive
  const isSlow = now - Math.max(newsAt, turnAt) >= SLOW_MS
  const seconds = Math.floor((now - turnAt) / 1000)
  const isFirst = state.items.length === 0 && !isAwaited
  const word = isBelowReply ? "Writing" : isFirst ? "Starting" : "Thinking"
  return { text: isSlow ? `Still working, ${seconds} s` : word, isSlow, isBelowReply, isLast: !isRunning }
}
