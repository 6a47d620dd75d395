/**
 * The box in which a person writes. Enter sends; its one button sends when there is text and stops the bot when there is none.
 */
import { el, fill } from "../shared/dom.js"
import { icon } from "../shared/icon.js"
/** @import { ComposerOptions } from "./types.js" */

const MOST_BYTES = 64 * 1024

export class Composer {
  #options
  #isRunning = false
  #takesEmpty = false
  #problem = el("p", { class: "composer__problem", role: "alert", hidden: true })

  /** @param {ComposerOptions} options */
  constructor(options) {
    this.#options = options
    const { label, isAccent, hasHints, draft } = options
    this.box = el("textarea", {
      id: "say", rows: 1, placeholder: label, value: draft, enterKeyHint: "send", autocomplete: "off", "aria-label": label,
      oninput: () => this.#changed(), onkeydown: (event) => this.#key(event),
    })
    const look = isAccent ? " composer__send--accent" : ""
    this.button = el("button", { class: `composer__btn composer__send${look}`, type: "submit" })
    const form = el("form", { class: "composer", onsubmit: (/** @type {Event} */ event) => this.#submit(event) }, this.box, this.button)
    this.node = el("div", { class: "composer-wrap" }, this.#problem, form, hasHints && hints())
    this.#changed()
  }

  /** @param {boolean} isRunning */
  setRunning(isRunning) {
    this.#isRunning = isRunning
    this.#paint()
  }

  /**
   * The last question of the bot stands in the empty box.
   * @param {string} prompt "" for none
   * @param {boolean} isAsked whether the bot waits for the answer now
   */
  setPrompt(prompt, isAsked) {
    // "Press Enter to go on" is the one question that an empty line answers.
    this.#takesEmpty = isAsked && /\b(?:enter|return)\b/i.test(prompt)
    const question = prompt.replaceAll(/\s+/g, " ").trim().slice(0, 200)
    this.box.placeholder = /[\p{L}\p{N}]/u.test(question) ? question : this.#options.label
  }

  /** Puts a text back into the box, before whatever was begun there. @param {string} text */
  giveBack(text) {
    this.box.value = this.box.value ? `${text}\n${this.box.value}` : text
    this.#changed()
    this.box.focus()
  }

  #changed() {
    this.#problem.hidden = true
    this.#options.onDraft(this.box.value)
    if (!CSS.supports("field-sizing", "content")) {
      this.box.style.blockSize = "auto"
      this.box.style.blockSize = `${this.box.scrollHeight}px`
    }
    this.#paint()
  }

  #paint() {
    const isStop = this.#isRunning && !this.box.value.trim()
    const label = isStop ? "Stop" : "Send"
    if (this.button.ariaLabel === label) return
    this.button.ariaLabel = label
    this.button.title = isStop ? "Stop the bot (Esc)" : "Send (Enter)"
    fill(this.button, icon(isStop ? "stop" : "up"))
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    // 229 is what some browsers report for the Enter that ends a composition.
    if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.keyCode === 229) return
    event.preventDefault()
    this.#send()
  }

  /** @param {Event} event */
  #submit(event) {
    event.preventDefault()
    if (this.#isRunning && !this.box.value.trim()) this.#options.onStop()
    else this.#send()
    this.box.focus()
  }

  #send() {
    const text = sendable(this.box.value)
    if (!text && !this.#takesEmpty) return
    const bytes = new TextEncoder().encode(text).length
    if (bytes > MOST_BYTES) return this.#refuse(`Too long: ${Math.ceil(bytes / 1024)} kB of ${MOST_BYTES / 1024} kB`)
    this.box.value = ""
    this.#changed()
    this.#options.onSend(text)
  }

  /** @param {string} sentence */
  #refuse(sentence) {
    this.#problem.textContent = sentence
    this.#problem.hidden = false
  }
}

/** What the server takes, without NUL and half characters, and without blank lines around it. @param {string} text */
function sendable(text) {
  return text.replaceAll("\0", "").replaceAll(/\p{Surrogate}/gu, "\ufffd").replace(/^\s*\n/, "").trimEnd()
}

function hints() {
  const kbd = (/** @type {string} */ key) => el("kbd", { class: "kbd" }, key)
  return el("p", { class: "composer__hint" }, el("span", null, kbd("Enter"), " send"),
    el("span", null, kbd("Shift"), kbd("Enter"), " new line"), el("span", null, kbd("Esc"), " stop"))
}
