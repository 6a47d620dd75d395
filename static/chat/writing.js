/**
 * The sign that a bot is at work: what it says and where it stands. Pure.
 */
/** @import { ChatState, WritingSign } from "./types.js" */

const SLOW_MS = 10_000

/**
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
