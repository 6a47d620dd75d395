/**
 * Texts that the server does not have yet, kept in this browser until it does.
 */
import { keep, kept } from "../shared/keep.js"

/** @typedef {{text: string, etag: string | null}} Draft the text, and what the server had when it was typed (null: no such file) */

const PREFIX = "hal9.draft."

/** @param {string} botId @param {string} path */
const keyOf = (botId, path) => `${PREFIX}${botId}/${path}`

/** @param {string} botId @param {string} path @returns {Draft | null} */
export function draftOf(botId, path) {
  const draft = kept(keyOf(botId, path))
  return typeof draft?.text === "string" ? draft : null
}

/** @param {string} botId @param {string} path @param {Draft} draft */
export function keepDraft(botId, path, draft) {
  keep(keyOf(botId, path), draft)
}

/** @param {string} botId @param {string} path */
export function dropDraft(botId, path) {
  keep(keyOf(botId, path), null)
}

/** Paths of a bot with a draft in this browser. @param {string} botId @returns {string[]} */
export function draftPaths(botId) {
  const prefix = keyOf(botId, "")
  try {
    return Object.keys(localStorage).filter((key) => key.startsWith(prefix)).map((key) => key.slice(prefix.length))
  } catch {
    return []
  }
}
