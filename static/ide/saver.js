/**
 * Brings edited texts to the server: 800 ms after the last key, one request per file at a time, never over somebody
 * else's change. What the server refuses or can't take now stays in this browser.
 */
import { ApiError } from "../shared/server.js"

/** @typedef {import("./types.js").SaveState} SaveState */

/**
 * @typedef {object} Link what a saver needs from around it
 * @property {(path: string) => string} read the text on screen
 * @property {(path: string, text: string, etag: string | null) => Promise<{etag: string}>} put etag null: only where no such file exists
 * @property {(path: string) => Promise<{text: string | null, etag: string | null}>} get etag null: no such file; text null: not text
 * @property {(path: string, draft: {text: string, etag: string | null} | null) => void} keep null drops the draft
 * @property {(path: string, state: SaveState | null) => void} onState null: the server has it
 * @property {(path: string, error: ApiError) => void} onRefused
 * @property {(path: string) => void} onConflict
 * @property {(work: () => void, milliseconds: number) => number} [later] a timer, for tests
 */

/**
 * @typedef {object} Entry
 * @property {string | null} etag what the server had when it was last heard
 * @property {boolean} isDirty
 * @property {SaveState | null} state
 * @property {number} timer
 * @property {number} firstChange when the oldest unsent change was made, milliseconds; 0 without one
 * @property {number} failures in a row
 * @property {Promise<void> | null} sending
 */

export const QUIET_MS = 800
/** A person who never pauses is saved this often. */
export const LONGEST_MS = 5000
const RETRY_LONGEST_MS = 30_000

export class Saver {
  /** @type {Map<string, Entry>} */
  #entries = new Map()
  #link

  /** @param {Link} link */
  constructor(link) {
    this.#link = link
  }

  /** Takes note of what the server has. @param {string} path @param {string | null} etag */
  track(path, etag) {
    const entry = this.#entries.get(path)
    if (entry) entry.etag = etag
    else this.#entries.set(path, { etag, isDirty: false, state: null, timer: 0, firstChange: 0, failures: 0, sending: null })
  }

  /** @param {string} path */
  etagOf(path) {
    return this.#entries.get(path)?.etag ?? null
  }

  /** True while the server's copy may be older than the screen. @param {string} path */
  isPending(path) {
    const entry = this.#entries.get(path)
    return Boolean(entry && (entry.isDirty || entry.sending || entry.state))
  }

  /** Forgets a file that was deleted or moved. @param {string} path */
  forget(path) {
    const entry = this.#entries.get(path)
    if (!entry) return
    clearTimeout(entry.timer)
    this.#entries.delete(path)
    this.#link.keep(path, null)
    this.#link.onState(path, null)
  }

  /** A person changed the text. @param {string} path */
  changed(path) {
    const entry = this.#entries.get(path)
    if (!entry) return
    entry.isDirty = true
    entry.firstChange ||= Date.now()
    if (entry.state !== "conflict") this.#show(path, entry, entry.state === "offline" ? "offline" : "dirty")
    this.#schedule(path, entry, Math.max(0, Math.min(QUIET_MS, entry.firstChange + LONGEST_MS - Date.now())))
  }

  /**
   * Saves one file now.
   * @param {string} path
   * @returns {Promise<boolean>} false when the server still does not have the text
   */
  async flush(path) {
    const entry = this.#entries.get(path)
    if (!entry) return true
    if (entry.state === "conflict") return false
    clearTimeout(entry.timer)
    while (entry.sending) await entry.sending
    // What a person types while the request is on its way needs another one; three are enough for any typist.
    for (let round = 0; entry.isDirty && round < 3; round += 1) {
      await this.#send(path, entry)
      if (entry.state && entry.state !== "dirty") break
    }
    return !this.isPending(path)
  }

  /** Saves everything now. @returns {Promise<boolean>} */
  async flushAll() {
    const done = await Promise.all([...this.#entries.keys()].map((path) => this.flush(path)))
    return done.every(Boolean)
  }

  /** Ends a conflict: the person has seen the server's copy and decided. @param {string} path @param {string | null} etag theirs */
  settle(path, etag) {
    const entry = this.#entries.get(path)
    if (!entry) return
    entry.etag = etag
    entry.isDirty = false
    this.#show(path, entry, null)
    this.#link.keep(path, null)
  }

  /** Puts unsent texts aside, because the page may go away. */
  keepDrafts() {
    for (const [path, entry] of this.#entries) if (entry.isDirty || entry.state) this.#keep(path, entry)
  }

  /** Stops all timers: another bot opens. */
  close() {
    this.keepDrafts()
    for (const entry of this.#entries.values()) clearTimeout(entry.timer)
    this.#entries.clear()
  }

  /** @param {string} path @param {Entry} entry @param {number} milliseconds */
  #schedule(path, entry, milliseconds) {
    clearTimeout(entry.timer)
    const later = this.#link.later ?? ((work, wait) => window.setTimeout(work, wait))
    entry.timer = later(() => void this.flush(path), milliseconds)
  }

  /** @param {string} path @param {Entry} entry @param {SaveState | null} state */
  #show(path, entry, state) {
    if (entry.state === state) return
    entry.state = state
    this.#link.onState(path, state)
  }

  /** @param {string} path @param {Entry} entry */
  #keep(path, entry) {
    this.#link.keep(path, { text: this.#link.read(path), etag: entry.etag })
  }

  /** @param {string} path @param {Entry} entry */
  async #send(path, entry) {
    entry.sending = this.#put(path, entry).finally(() => {
      entry.sending = null
    })
    await entry.sending
  }

  /** @param {string} path @param {Entry} entry */
  async #put(path, entry) {
    const text = this.#link.read(path)
    this.#keep(path, entry)
    entry.isDirty = false
    entry.firstChange = 0
    if (entry.state !== "offline") this.#show(path, entry, "saving")
    try {
      const { etag } = await this.#link.put(path, text, entry.etag)
      if (this.#entries.get(path) === entry) this.#saved(path, entry, etag)
    } catch (error) {
      const failure = error instanceof ApiError ? error : new ApiError(0, "unreadable", "The server's answer could not be read.")
      if (this.#entries.get(path) === entry) await this.#failed(path, entry, text, failure)
    }
  }

  /** @param {string} path @param {Entry} entry @param {string} etag */
  #saved(path, entry, etag) {
    entry.etag = etag
    entry.failures = 0
    if (entry.isDirty) return this.#show(path, entry, "dirty")
    this.#show(path, entry, null)
    this.#link.keep(path, null)
  }

  /** @param {string} path @param {Entry} entry @param {string} text @param {ApiError} error */
  async #failed(path, entry, text, error) {
    entry.isDirty = true
    if (error.status === 412) return this.#raced(path, entry, text)
    const isPassing = error.status === 0 || error.status === 429 || error.status >= 500
    this.#show(path, entry, isPassing ? "offline" : "failed")
    if (!isPassing) return this.#link.onRefused(path, error)
    entry.failures += 1
    const wait = Math.min(RETRY_LONGEST_MS, 1000 * 2 ** entry.failures)
    this.#schedule(path, entry, wait * (0.75 + Math.random() / 2))
  }

  /** @param {string} path @param {Entry} entry @param {string} text */
  async #raced(path, entry, text) {
    const theirs = await this.#link.get(path).catch(() => null)
    if (this.#entries.get(path) !== entry) return
    if (theirs && theirs.text === text && theirs.etag) return this.#same(path, entry, theirs.etag)
    this.#show(path, entry, "conflict")
    this.#link.onConflict(path)
  }

  /** Both wrote the same: nothing to decide. @param {string} path @param {Entry} entry @param {string} etag */
  #same(path, entry, etag) {
    entry.isDirty = entry.firstChange > 0
    this.#saved(path, entry, etag)
    if (entry.isDirty) this.#schedule(path, entry, QUIET_MS)
  }
}
