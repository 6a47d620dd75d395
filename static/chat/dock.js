/**
 * Keeps a scroller at its end while a person is there, and lets go at once when they scroll up.
 */
import { el, fill } from "../shared/dom.js"
import { icon } from "../shared/icon.js"

/** Within this distance of the end, scrolling down docks again. */
const NEAR_PX = 24

export class Dock {
  #scroller
  #isDocked = true
  #isHeld = false
  #lastTop = 0
  #hasNews = false
  #observer

  /**
   * @param {HTMLElement} scroller
   * @param {HTMLElement} content the one child of the scroller, whose height is watched
   */
  constructor(scroller, content) {
    this.#scroller = scroller
    this.button = el("button", { class: "btn btn--sm to-end", type: "button", hidden: true, onclick: () => this.toEnd() })
    scroller.addEventListener("scroll", () => this.#scrolled(), { passive: true })
    scroller.addEventListener("wheel", ({ deltaY }) => deltaY < 0 && this.#release(), { passive: true })
    scroller.addEventListener("touchstart", () => (this.#isHeld = true), { passive: true })
    for (const type of ["touchend", "touchcancel"]) scroller.addEventListener(type, () => (this.#isHeld = false), { passive: true })
    this.#observer = new ResizeObserver(() => this.#settle())
    this.#observer.observe(content)
    this.#observer.observe(scroller)
  }

  /** Something was added at the end. */
  grew() {
    if (!this.#isDocked) this.#hasNews = true
    this.#settle()
  }

  toEnd() {
    this.#isDocked = true
    this.#hasNews = false
    this.#settle()
  }

  destroy() {
    this.#observer.disconnect()
  }

  get #distance() {
    const { scrollHeight, clientHeight, scrollTop } = this.#scroller
    return scrollHeight - clientHeight - scrollTop
  }

  #settle() {
    if (this.#isDocked && !this.#isHeld) this.#scroller.scrollTop = this.#scroller.scrollHeight
    this.#lastTop = this.#scroller.scrollTop
    this.#show()
  }

  #scrolled() {
    const top = this.#scroller.scrollTop
    const isUp = top < this.#lastTop
    this.#lastTop = top
    if (this.#distance <= (isUp ? 1 : NEAR_PX)) this.#isDocked = true
    else if (isUp) this.#isDocked = false
    this.#show()
  }

  #release() {
    if (this.#scroller.scrollHeight > this.#scroller.clientHeight && this.#scroller.scrollTop > 0) this.#isDocked = false
  }

  #show() {
    const isAway = !this.#isDocked && this.#distance > NEAR_PX
    if (!isAway) this.#hasNews = false
    this.button.hidden = !isAway
    this.#scroller.classList.toggle("is-docked", this.#isDocked)
    const label = this.#hasNews ? "New text" : "To the end"
    if (isAway && this.button.textContent !== label) fill(this.button, icon("down"), label)
  }
}
