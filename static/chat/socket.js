/**
 * The chat's connection: opens the WebSocket, asks for what it has not seen, and comes back after a loss.
 */
/** @import { SocketOptions } from "./types.js" */

const PROTOCOL = "hal9.chat.v1"
const FIRST_RETRY_MS = 400
const LONGEST_RETRY_MS = 30_000
const HELLO_MS = 10_000

export class ChatSocket {
  #options
  #address = ""
  /** @type {string[]} */
  #protocols = []
  /** @type {WebSocket | null} */
  #socket = null
  #isReady = false
  #isClosed = false
  #attempts = 0
  #timer = 0

  /** When the next attempt is made, by the clock of Date.now(); 0 while connected or connecting. */
  retryAt = 0

  /** @param {SocketOptions} options */
  constructor(options) {
    this.#options = options
    addEventListener("online", this.now)
    document.addEventListener("visibilitychange", this.#onSight)
  }

  /** @param {string} chatId @param {string | null} visitor the visitor's secret; null for the author of a draft */
  connect(chatId, visitor) {
    const scheme = location.protocol === "https:" ? "wss:" : "ws:"
    this.#address = `${scheme}//${location.host}/api/v1/chats/${encodeURIComponent(chatId)}/ws`
    this.#protocols = visitor ? [PROTOCOL, `visitor.${visitor}`] : [PROTOCOL]
    this.#open()
  }

  get isReady() {
    return this.#isReady
  }

  /** @param {{kind: string, [field: string]: unknown}} frame @returns {boolean} false when there is no connection */
  send(frame) {
    if (!this.#isReady || this.#socket?.readyState !== WebSocket.OPEN) return false
    this.#socket.send(JSON.stringify(frame))
    return true
  }

  /** Tries again at once instead of waiting. */
  now = () => {
    if (!this.retryAt || this.#isClosed) return
    clearTimeout(this.#timer)
    this.#open()
  }

  /** The connection says nothing although it should: drops it and connects anew. */
  renew() {
    this.#socket?.close()
    this.#lost()
  }

  close() {
    this.#isClosed = true
    this.#isReady = false
    clearTimeout(this.#timer)
    removeEventListener("online", this.now)
    document.removeEventListener("visibilitychange", this.#onSight)
    this.#socket?.close()
    this.#socket = null
  }

  #onSight = () => {
    if (document.visibilityState === "visible") this.now()
  }

  #open() {
    const socket = new WebSocket(this.#address, this.#protocols)
    this.#socket = socket
    this.retryAt = 0
    this.#timer = window.setTimeout(() => socket === this.#socket && this.renew(), HELLO_MS)
    socket.onmessage = ({ data }) => socket === this.#socket && this.#receive(data)
    socket.onclose = () => socket === this.#socket && this.#lost()
  }

  /** @param {string} data */
  #receive(data) {
    const frame = JSON.parse(data)
    this.#options.onFrame(frame)
    if (frame.kind !== "hello") return
    clearTimeout(this.#timer)
    this.#attempts = 0
    this.#isReady = true
    this.send({ kind: "resume", after: this.#options.seen() })
    this.#options.onReady()
  }

  #lost() {
    clearTimeout(this.#timer)
    this.#socket = null
    this.#isReady = false
    if (this.#isClosed) return
    this.#attempts += 1
    if (this.#attempts === 2) void this.#checkGone()
    const pause = Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** (this.#attempts - 1))
    const wait = pause * (0.5 + Math.random())
    this.retryAt = Date.now() + wait
    this.#timer = window.setTimeout(() => this.#open(), wait)
    this.#options.onLost()
  }

  async #checkGone() {
    if (await this.#options.isGone()) this.close()
  }
}
