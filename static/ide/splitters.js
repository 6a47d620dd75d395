/**
 * The gaps between panes: dragged, moved by arrow keys, reset by a double click, remembered in this browser.
 */
import { keep, kept } from "../shared/keep.js"

/**
 * @typedef {object} Gap
 * @property {HTMLElement} node has role=separator
 * @property {"--files" | "--panel" | "--chat"} property what it sets on the grid
 * @property {1 | -1} sign 1 where the pane lies before the gap
 * @property {number} least pixels
 * @property {() => number} most pixels, given the room there is
 * @property {() => number} now pixels, as laid out
 */

const KEY = "hal9.panes"
const STEP = 16
const LEAP = 64

/**
 * @param {HTMLElement} grid
 * @param {Gap[]} gaps
 */
export function mountSplitters(grid, gaps) {
  /** @type {Record<string, number>} */
  const sizes = kept(KEY) ?? {}
  for (const gap of gaps) mountOne(grid, gap, sizes)
  // Sizes that fitted a large window must not push a pane out of a small one.
  addEventListener("resize", () => gaps.forEach((gap) => tell(gap)))
}

/** @param {HTMLElement} grid @param {Gap} gap @param {Record<string, number>} sizes */
function mountOne(grid, gap, sizes) {
  const { node, property, sign } = gap
  const isRow = node.ariaOrientation === "horizontal"

  /** @param {number | null} pixels null: as designed */
  const set = (pixels) => {
    if (pixels === null) {
      delete sizes[property]
      grid.style.removeProperty(property)
    } else {
      sizes[property] = Math.round(Math.max(gap.least, Math.min(pixels, gap.most())))
      grid.style.setProperty(property, `${sizes[property]}px`)
    }
    keep(KEY, sizes)
    tell(gap)
  }

  node.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return
    event.preventDefault()
    node.focus()
    node.setPointerCapture(event.pointerId)
    const start = isRow ? event.clientY : event.clientX
    const size = gap.now()
    const move = (/** @type {PointerEvent} */ now) => set(size + sign * ((isRow ? now.clientY : now.clientX) - start))
    node.addEventListener("pointermove", move)
    node.addEventListener("lostpointercapture", () => node.removeEventListener("pointermove", move), { once: true })
  })
  node.addEventListener("dblclick", () => set(null))
  node.addEventListener("keydown", (event) => {
    const [back, on] = isRow ? ["ArrowUp", "ArrowDown"] : ["ArrowLeft", "ArrowRight"]
    const step = event.shiftKey ? LEAP : STEP
    if (event.key === back) set(gap.now() - sign * step)
    else if (event.key === on) set(gap.now() + sign * step)
    else if (event.key === "Home") set(gap.least)
    else if (event.key === "End") set(gap.most())
    else if (event.key === "Enter") set(null)
    else return
    event.preventDefault()
  })
  if (sizes[property] !== undefined) set(sizes[property] ?? null)
  else tell(gap)
}

/** Says the size to screen readers. @param {Gap} gap */
function tell({ node, least, most, now }) {
  node.setAttribute("aria-valuemin", String(least))
  node.setAttribute("aria-valuemax", String(Math.round(Math.max(least, most()))))
  node.setAttribute("aria-valuenow", String(Math.round(now())))
}
