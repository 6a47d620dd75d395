/**
 * A code block that can grow: a label, a copy button, and text that is only ever added to.
 */
import { el } from "../shared/dom.js"
import { copyButton } from "./copy.js"

/** Long code is laid out in parts, so that a new line costs the layout of one part and not of all. */
const PART_CHARS = 8_000
const SHOWN_CHARS = 200_000

/** What the reader of Python colours well enough. Longer code stays plain: colouring it would be felt. */
const COLOURED = "code:is([data-language=python], [data-language=py], [data-language=json]) > .code__part:only-child:not(:has(*))"
const COLOURED_CHARS = 6_000

/**
 * Colours the code blocks that are finished. The reader is fetched with the first of them.
 * @param {HTMLElement} root
 */
export async function colourCode(root) {
  const parts = [...root.querySelectorAll(COLOURED)].filter((part) => (part.textContent ?? "").length < COLOURED_CHARS)
  if (parts.length === 0) return
  const { colorPython } = await import("../ide/python_colors.js")
  for (const part of parts) if (part instanceof HTMLElement) colorPython(part)
}

export class Code {
  #code
  #last = document.createTextNode("")
  #text = ""
  #shown = 0

  /** True once the beginning is no longer shown. */
  isShortened = false

  /**
   * @param {string} info what stands behind the fence; its first word is the language
   * @param {string} text
   */
  constructor(info, text) {
    const language = info.trim().split(/\s/, 1)[0] ?? ""
    const name = language ? `${language} code` : "code"
    this.#code = el("code", { "data-language": language.toLowerCase() || undefined })
    this.node = el("div", { class: "code" },
      el("div", { class: "code__head" }, el("span", null, language || "text"), copyButton(`Copy ${name}`, () => this.#text)),
      el("pre", { tabIndex: 0, role: "group", "aria-label": name }, this.#code))
    this.#startPart()
    this.add(text)
  }

  /** The element that the text ends in. */
  get end() {
    return this.#last.parentElement ?? this.#code
  }

  /** @param {string} text */
  add(text) {
    if (!this.#last.parentNode) this.#uncolour()
    this.#text = (this.#text + text).slice(-4 * SHOWN_CHARS)
    this.isShortened ||= text.length > SHOWN_CHARS
    let rest = text.slice(-SHOWN_CHARS)
    while (rest) {
      const room = PART_CHARS - this.#last.length
      const line = rest.indexOf("\n", Math.max(0, room - 1)) + 1
      const size = rest.length <= room || line === 0 ? rest.length : line
      this.#last.appendData(rest.slice(0, size))
      this.#shown += size
      rest = rest.slice(size)
      if (rest || this.#last.length >= PART_CHARS) this.#startPart()
    }
    while (this.#shown > SHOWN_CHARS && this.#code.childElementCount > 1) this.#dropFirst()
  }

  #startPart() {
    if (this.#last.parentNode && !this.#last.data.endsWith("\n")) return
    this.#last = document.createTextNode("")
    this.#code.append(el("span", { class: "code__part" }, this.#last))
  }

  /** Text goes on in a block that was taken for finished. */
  #uncolour() {
    const part = this.#code.lastElementChild
    this.#last = document.createTextNode(part?.textContent ?? "")
    part?.replaceChildren(this.#last)
  }

  #dropFirst() {
    const first = this.#code.firstElementChild
    this.#shown -= first?.textContent?.length ?? 0
    this.isShortened = true
    first?.remove()
  }
}
