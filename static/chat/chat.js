/**
 * The chat: a connection, a state, a log and a box to write in. The same component serves the IDE and the visitor's page.
 *
 * Events on the host: `chat:state` {state}, `chat:start` {by, version, run}, `chat:console` {text, run}, `chat:end`
 * {reason, exit_status, seconds, error, run}, `chat:goto` {file, line}, `chat:sent` {text}, `chat:gone` {}. Those that
 * frames cause carry isReplay: true for what happened before the connection was opened.
 */
import { announce, prepareAnnouncements } from "../shared/announce.js"
import { el } from "../shared/dom.js"
import { api, ApiError } from "../shared/server.js"
import { Composer } from "./composer.js"
import { Log } from "./log.js"
import { keepDraft, keepOutbox, keptDraft, keptOutbox, newId } from "./outbox.js"
import { ChatSocket } from "./socket.js"
import { helloView } from "./parts.js"
import { prepareMarkdown } from "./reply.js"
import { ending, writing } from "./sentences.js"
import { EMPTY, isBusy, receive, send, withdraw } from "./state.js"
/** @import { Chat, ChatOptions, Context, Frame, Outgoing, State } from "./types.js" */

const DRAW_MS = 10
const SPOKEN_CHARS = 1_000
/** A connection that does not answer a message for so long is taken for dead. */
const ACCEPT_MS = 8_000
/** An opening that comes at once should not push the hello away; so much later it is shown all the same. */
const HELLO_MS = 800
/** A script that has said nothing yet is no news until now: most begin at once. */
const OPENING_MS = 2_000
const DRAFT_HELLO = { title: "", text: "Your bot waits for a message." }

/**
 * Puts a chat into an element and keeps it alive until `destroy`.
 * @param {HTMLElement} host
 * @param {ChatOptions} options
 * @returns {Chat}
 */
export function mountChat(host, options) {
  return new MountedChat(host, options)
}

/** @implements {Chat} */
class MountedChat {
  #host
  #options
  /** @type {Context} */
  #context
  /** @type {string | null} */
  #visitor
  #chat = EMPTY
  #socket
  #log
  #composer
  #root
  /** @type {(() => HTMLElement) | null} */
  #hello = null
  #drawing = 0
  #ticking = 0
  #mountedAt = performance.now()
  #turnAt = Date.now()
  #newsAt = Date.now()
  #sentAt = 0
  #isAnnouncementDue = false
  #isGone = false
  #isRestartDue = false
  /** @type {State} */
  #reported = "starting"
  /** @type {Outgoing[]} */
  #keptOutbox = []

  /** @param {HTMLElement} host @param {ChatOptions} options */
  constructor(host, options) {
    const { chatId, role, visitor = null, name = "your bot", placeholder = `Message ${name}`, thumb = null, remedy } = options
    this.#host = host
    this.#options = options
    this.#visitor = visitor
    prepareAnnouncements()
    if (role === "author") void prepareMarkdown()
    this.#context = {
      chatId, role, thumb, onGoto: (file, line) => this.#emit("goto", { file, line }), onChange: () => this.#drawSoon(),
      remedy,
    }
    this.#log = new Log(this.#context, { onRetry: this.#retry, onEdit: this.#edit, onAgain: this.#again })
    this.#composer = new Composer({
      label: placeholder, isAccent: role === "visitor", hasHints: role === "author", draft: chatId && keptDraft(chatId),
      onSend: (text) => this.send(text), onStop: () => this.stop(), onDraft: (text) => keepDraft(this.#context.chatId, text),
    })
    // The IDE's pane has a heading of its own.
    const heading = role === "visitor" && el("h2", { class: "sr-only" }, "Conversation")
    this.#root = el("div", { class: `chat__body chat__body--${role}` }, heading, this.#log.node,
      el("div", { class: "chat__foot" }, this.#log.dock.button, this.#composer.node))
    this.#root.addEventListener("keydown", this.#onKey)
    host.append(this.#root)
    this.#socket = new ChatSocket({
      seen: () => this.#chat.seq, onFrame: (frame) => this.#receive(frame), onReady: () => this.#sendWaiting(),
      onLost: () => this.#changed(), isGone: () => this.#askIfGone(),
    })
    if (chatId) this.connect(chatId, visitor)
    setTimeout(() => this.#changed(), HELLO_MS)
    this.#ticking = window.setInterval(() => this.#tick(), 1000)
  }

  /**
   * What was written before there was an id goes along.
   * @param {string} chatId
   * @param {string | null} visitor
   */
  connect(chatId, visitor) {
    this.#context.chatId = chatId
    this.#visitor = visitor
    this.#chat = { ...this.#chat, outbox: [...keptOutbox(chatId), ...this.#chat.outbox] }
    keepDraft(chatId, this.#composer.box.value)
    this.#socket.connect(chatId, visitor)
    this.#changed()
  }

  /** @returns {State} */
  get state() {
    return this.#isCut ? "reconnecting" : this.#chat.phase
  }

  /** @param {string} text */
  send(text) {
    void prepareMarkdown()
    this.#deliver({ id: newId(), text })
    this.#log.dock.toEnd()
    this.#emit("sent", { text })
  }

  stop() {
    this.#socket.send({ kind: "stop" })
  }

  restart() {
    this.#isRestartDue = !this.#socket.send({ kind: "restart" })
    this.#log.dock.toEnd()
  }

  focus() {
    this.#composer.box.focus({ preventScroll: true })
  }

  destroy() {
    this.#socket.close()
    this.#log.dock.destroy()
    clearInterval(this.#ticking)
    cancelAnimationFrame(this.#drawing)
    this.#root.remove()
  }

  get #isCut() {
    return this.#socket.retryAt > 0
  }

  /** @param {{id: string, text: string}} message */
  #deliver(message) {
    const wasBusy = isBusy(this.#chat)
    this.#chat = send(this.#chat, message)
    if (!wasBusy) this.#turnAt = this.#newsAt = Date.now()
    this.#transmit(message)
    this.#changed()
  }

  /** @param {{id: string, text: string}} message */
  #transmit({ id, text }) {
    if (this.#socket.send({ kind: "message", id, text, uploads: [] })) this.#sentAt = Date.now()
  }

  /** After a reconnect or a reload, under the same ids: what was accepted before has no second effect. */
  #sendWaiting() {
    if (this.#isRestartDue) this.restart()
    for (const message of this.#chat.outbox) if (message.status !== "refused") this.#transmit(message)
  }

  /** @param {Frame} frame */
  #receive(frame) {
    const before = this.#chat
    this.#chat = receive(before, frame, Date.now())
    if (this.#chat === before) return
    const isReplay = frame.seq === undefined || frame.seq <= this.#chat.known
    this.#newsAt = Date.now()
    if (frame.kind === "accepted" || frame.kind === "refused") this.#sentAt = 0
    if (frame.kind === "input" || frame.kind === "start") this.#turnAt = Date.now()
    if (frame.kind === "waiting" || frame.kind === "end") this.#isAnnouncementDue = !isReplay
    this.#report(frame, isReplay)
    this.#changed()
  }

  /** @param {Frame} frame @param {boolean} isReplay */
  #report(frame, isReplay) {
    const { run } = this.#chat
    const { kind, seq, more, ...fields } = frame
    if (kind === "start" || kind === "console") this.#emit(kind, { ...fields, run, isReplay })
    if (kind === "end") this.#emit("end", { error: null, ...fields, run, isReplay })
  }

  #changed() {
    if (this.#keptOutbox !== this.#chat.outbox) {
      this.#keptOutbox = this.#chat.outbox
      keepOutbox(this.#context.chatId, this.#keptOutbox)
    }
    if (this.state !== this.#reported) {
      this.#reported = this.state
      this.#emit("state", { state: this.#reported })
    }
    this.#drawSoon()
  }

  #drawSoon() {
    this.#drawing ||= requestAnimationFrame(() => {
      this.#drawing = 0
      this.#draw()
    })
  }

  #draw() {
    this.#log.update(this.#chat, { hello: this.#helloNow(), writing: this.#writingNow(), outage: this.#outageNow() })
    const hasMore = this.#log.draw(performance.now() + DRAW_MS)
    this.#composer.setRunning(this.#isStoppable)
    this.#composer.setPrompt(this.#chat.prompt, this.#chat.phase === "waiting")
    if (hasMore) this.#drawSoon()
    else if (this.#isAnnouncementDue) this.#announceReply()
  }

  get #isStoppable() {
    return !this.#isCut && isBusy(this.#chat)
  }

  /** Once per finished reply, never per word. */
  #announceReply() {
    this.#isAnnouncementDue = false
    const [before, last] = this.#chat.items.slice(-2)
    const reply = last?.kind === "reply" ? last : before?.kind === "reply" ? before : null
    const end = last?.kind === "end" ? ending(last, this.#options.role, this.#context.chatId) : null
    const said = reply ? this.#log.spoken(reply.key).slice(0, SPOKEN_CHARS) : ""
    const text = [said, end?.title].filter(Boolean).join(". ")
    if (text) announce(text)
  }

  #writingNow() {
    const isOpening = this.#chat.run < 2 && this.#chat.items.length + this.#chat.outbox.length === 0
    if (this.#isCut || this.#isGone || (isOpening && performance.now() - this.#mountedAt < OPENING_MS)) return null
    const found = writing(this.#chat, { now: Date.now(), turnAt: this.#turnAt, newsAt: this.#newsAt })
    return found && { ...found, onStop: found.isSlow ? () => this.stop() : null }
  }

  #outageNow() {
    if (this.#isGone) return { text: "This conversation is not there any more", onNow: null }
    if (!this.#isCut) return null
    const seconds = Math.ceil((this.#socket.retryAt - Date.now()) / 1000)
    return { text: seconds > 0 ? `Reconnecting in ${seconds} s` : "Reconnecting", onNow: this.#socket.now }
  }

  /** The hello stays until the first message; it waits a moment for an opening that would come at once. */
  #helloNow() {
    const { role, hello = role === "author" ? DRAFT_HELLO : null, examples = [], thumb = null } = this.#options
    const { items, outbox, phase } = this.#chat
    const isBegun = outbox.length > 0 || items.some((item) => item.kind === "person")
    if (!hello || isBegun) return null
    const isStarting = phase === "starting" || phase === "running"
    const isEarly = items.length === 0 && isStarting && performance.now() - this.#mountedAt < HELLO_MS
    if (isEarly) return null
    const isShort = items.length > 0
    this.#root.classList.toggle("chat__body--opened", isShort)
    this.#hello ??= () => helloView({ title: hello.title ?? "", text: hello.text, examples, thumb }, (text) => this.send(text))
    return this.#hello
  }

  #tick() {
    const isSilent = this.#sentAt > 0 && Date.now() - this.#sentAt > ACCEPT_MS
    if (isSilent && this.#socket.isReady) {
      this.#sentAt = 0
      this.#socket.renew()
    }
    if (this.#isCut || isBusy(this.#chat)) this.#drawSoon()
  }

  /** @param {Outgoing} message */
  #retry = (message) => this.#deliver(message)

  /** @param {Outgoing} message */
  #edit = (message) => {
    this.#chat = withdraw(this.#chat, message.id)
    this.#composer.giveBack(message.text)
    this.#changed()
  }

  #again = () => {
    const last = this.#chat.items.findLast((item) => item.kind === "person")
    if (last) this.send(last.text)
  }

  /** @param {KeyboardEvent} event */
  #onKey = (event) => {
    if (event.key !== "Escape" || event.isComposing || event.defaultPrevented || !this.#isStoppable) return
    event.preventDefault()
    this.stop()
  }

  async #askIfGone() {
    const visitor = this.#visitor
    try {
      await api("GET", `chats/${encodeURIComponent(this.#context.chatId)}`, visitor ? { visitor } : {})
      return false
    } catch (error) {
      this.#isGone = error instanceof ApiError && (error.status === 404 || error.status === 401)
      if (this.#isGone) this.#emit("gone", {})
      this.#changed()
      return this.#isGone
    }
  }

  /** @param {string} name @param {object} detail */
  #emit(name, detail) {
    // An answer that comes after the chat was taken away concerns nobody.
    if (this.#root.parentNode === this.#host) this.#host.dispatchEvent(new CustomEvent(`chat:${name}`, { detail }))
  }
}
