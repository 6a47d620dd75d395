/**
 * What a person wrote and the script has not taken yet, kept in this tab over a reload; and the draft in the box.
 */
import { keep, kept } from "../shared/keep.js"
/** @import { Outgoing } from "./types.js" */

/** A name for a message that nobody else will give. @returns {string} */
export function newId() {
  if (crypto.randomUUID) return crypto.randomUUID()
  // Pages over plain http have no randomUUID.
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("")
}

/** @param {string} chatId @returns {Outgoing[]} */
export function keptOutbox(chatId) {
  const found = kept(`hal9.outbox.${chatId}`, "session")
  return Array.isArray(found) ? found : []
}

/** @param {string} chatId @param {Outgoing[]} outbox */
export function keepOutbox(chatId, outbox) {
  if (chatId) keep(`hal9.outbox.${chatId}`, outbox.length > 0 ? outbox : null, "session")
}

/** @param {string} chatId @returns {string} */
export function keptDraft(chatId) {
  return kept(`hal9.draft.${chatId}`, "session") ?? ""
}

/** @param {string} chatId @param {string} text */
export function keepDraft(chatId, text) {
  if (chatId) keep(`hal9.draft.${chatId}`, text || null, "session")
}
