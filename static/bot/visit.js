/**
 * Who visits: the secret that this browser keeps for one bot, and the chats that belong to it. No cookie, no account.
 */
import { keep, kept } from "../shared/keep.js"
import { api, ApiError } from "../shared/server.js"

/** @typedef {{id: string, title: string, updated_at_ms: number}} ChatRow */

export class Visit {
  #key
  #store
  /** @type {string | null} */
  secret
  /** The chat that was open last; null for none. @type {string | null} */
  current

  /** @param {string} key the bot's share key */
  constructor(key) {
    this.#key = key
    this.#store = `hal9.visit.${key}`
    const found = kept(this.#store)
    this.secret = found?.secret ?? null
    this.current = found?.current ?? null
  }

  /**
   * Begins another chat, as a new visitor where this browser has no secret or an unknown one. Raises ApiError.
   * @returns {Promise<string>} its id
   */
  async begin() {
    try {
      const answer = await api("POST", `share/${this.#key}/chats`, { json: {}, visitor: this.secret })
      this.secret = answer.visitor
      return answer.id
    } catch (error) {
      const isUnknown = error instanceof ApiError && error.code === "unknown_visitor" && this.secret !== null
      if (!isUnknown) throw error
      this.secret = null
      return this.begin()
    }
  }

  /** @param {string | null} id */
  open(id) {
    this.current = id
    keep(this.#store, { secret: this.secret, current: id })
  }

  /** @returns {Promise<ChatRow[]>} the latest first */
  async chats() {
    if (!this.secret) return []
    return (await api("GET", `share/${this.#key}/chats`, { visitor: this.secret })).chats
  }

  /** @param {string} id */
  async remove(id) {
    await api("DELETE", `chats/${id}`, { visitor: this.secret })
  }
}
