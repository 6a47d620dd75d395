/**
 * Texts that the server does not have yet, kept in this browser until it does. Each tab keeps its own, since two tabs may
 * have the same file open; what a closed tab left behind goes to the next one that opens that bot.
 */
import { keep, kept } from "../shared/keep.js"

/** @typedef {{text: string, etag: string | null}} Draft the text, and what the server had when it was typed (null: no such file) */

const PREFIX = "hal9.draft."
const LOCK = "hal9.tab."
const tab = ownTab()
const othersOpen = openTabs()

/** A name that this tab keeps over a reload. */
function ownTab() {
  const fresh = Math.random().toString(36).slice(2)
  try {
    const name = sessionStorage.getItem("hal9.tab") ?? fresh
    sessionStorage.setItem("hal9.tab", name)
    return name
  } catch {
    return fresh
  }
}

/** Holds this tab's lock for as long as the page lives, and tells which others are held. @returns {Promise<Set<string>>} */
async function openTabs() {
  // Locks are missing on a page over plain http: then any other tab counts as closed.
  const held = await navigator.locks?.query().catch(() => null)
  void navigator.locks?.request(LOCK + tab, () => new Promise(() => {})).catch(() => {})
  return new Set((held?.held ?? []).map(({ name }) => name?.slice(LOCK.length) ?? ""))
}

/** @param {string} botId @param {string} path @param {string} [owner] */
const keyOf = (botId, path, owner = tab) => `${PREFIX}${botId}/${owner}/${path}`

/** The drafts of a bot: whose, of which file. @param {string} botId @returns {{owner: string, path: string}[]} */
function all(botId) {
  const prefix = `${PREFIX}${botId}/`
  try {
    const rests = Object.keys(localStorage)
      .filter((key) => key.startsWith(prefix))
      .map((key) => key.slice(prefix.length))
    return rests.map((rest) => ({ owner: rest.slice(0, rest.indexOf("/")), path: rest.slice(rest.indexOf("/") + 1) }))
  } catch {
    return []
  }
}

/** Takes over what closed tabs left of a bot. @param {string} botId */
export async function adoptDrafts(botId) {
  const open = await othersOpen
  for (const { owner, path } of all(botId)) {
    if (owner === tab || open.has(owner)) continue
    if (!draftOf(botId, path)) keep(keyOf(botId, path), kept(keyOf(botId, path, owner)))
    keep(keyOf(botId, path, owner), null)
  }
}

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

/** Paths of a bot with a draft of this tab. @param {string} botId @returns {string[]} */
export function draftPaths(botId) {
  return all(botId)
    .filter(({ owner }) => owner === tab)
    .map(({ path }) => path)
}
