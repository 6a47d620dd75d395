/**
 * What is in view: the panes of a phone, the file list of a narrow window, the console folded away, F6 round the regions.
 */
import { keep, kept } from "../shared/keep.js"

/** @typedef {"files" | "code" | "chat"} View */
/** @typedef {ReturnType<typeof mountViews>} Views */

const KEY = "hal9.console"

/**
 * @param {HTMLElement} grid
 * @param {object} parts
 * @param {HTMLElement} parts.bar the phone's Files, Code, Chat
 * @param {HTMLElement} parts.filesToggle
 * @param {HTMLElement} parts.panelToggle
 * @param {() => void} onConsole the console came into view
 */
export function mountViews(grid, { bar, filesToggle, panelToggle }, onConsole) {
  const tabs = [.../** @type {NodeListOf<HTMLElement>} */ (bar.querySelectorAll("[data-view]"))]
  const isPhone = () => getComputedStyle(bar).display !== "none"

  /** @param {View} view */
  const show = (view) => {
    grid.dataset.view = view
    for (const tab of tabs) {
      tab.ariaSelected = String(tab.dataset.view === view)
      tab.tabIndex = tab.dataset.view === view ? 0 : -1
    }
    if (isConsoleShown()) onConsole()
  }

  /** @param {boolean} isOpen */
  const setConsole = (isOpen) => {
    grid.classList.toggle("ide__grid--no-console", !isOpen)
    panelToggle.ariaExpanded = String(isOpen)
    panelToggle.ariaLabel = isOpen ? "Hide the console" : "Show the console"
    keep(KEY, isOpen ? null : "hidden")
    if (isOpen) onConsole()
  }

  /** @param {boolean} isOpen */
  const setDrawer = (isOpen) => {
    grid.classList.toggle("ide__grid--files", isOpen)
    filesToggle.ariaExpanded = String(isOpen)
  }

  const isConsoleShown = () => !grid.classList.contains("ide__grid--no-console") && (!isPhone() || grid.dataset.view === "code")

  bar.addEventListener("click", (event) => {
    const tab = event.target instanceof Element ? event.target.closest("[data-view]") : null
    if (tab instanceof HTMLElement) show(/** @type {View} */ (tab.dataset.view))
  })
  bar.addEventListener("keydown", (event) => {
    const index = tabs.findIndex((tab) => tab.ariaSelected === "true")
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key]
    const next = step && tabs[(index + step + tabs.length) % tabs.length]
    if (!next) return
    event.preventDefault()
    show(/** @type {View} */ (next.dataset.view))
    next.focus()
  })
  panelToggle.addEventListener("click", () => setConsole(panelToggle.ariaExpanded !== "true"))
  filesToggle.addEventListener("click", () => setDrawer(filesToggle.ariaExpanded !== "true"))
  grid.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && grid.classList.contains("ide__grid--files")) {
      setDrawer(false)
      filesToggle.focus()
    }
  })
  grid.addEventListener("pointerdown", (event) => {
    const isInside = event.target instanceof Element && event.target.closest("#files, #files-toggle, [popover]")
    if (!isInside && grid.classList.contains("ide__grid--files")) setDrawer(false)
  })
  if (kept(KEY) === "hidden") setConsole(false)

  return {
    show,
    isPhone,
    isConsoleShown,
    closeDrawer: () => setDrawer(false),
    /** Brings the file list into view where it lies behind its button. */
    openFiles() {
      if (getComputedStyle(filesToggle).display !== "none") setDrawer(true)
    },
    toggleConsole: () => setConsole(panelToggle.ariaExpanded !== "true"),
    openConsole: () => (setConsole(true), isPhone() && show("code"))
  }
}

/**
 * Moves the focus to the next region that is in view.
 * @param {1 | -1} step
 * @param {Record<string, () => void>} [into] how to enter a region, where its first control is not the way
 */
export function cycleRegions(step, into = {}) {
  const regions = [.../** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[data-region]"))].filter((region) =>
    region.checkVisibility()
  )
  const index = regions.findIndex((region) => region.contains(document.activeElement))
  const start = index < 0 && step < 0 ? 0 : index
  const next = regions[(start + step + regions.length) % regions.length]
  if (!next) return
  const enter = into[next.dataset.region ?? ""]
  if (enter) return enter()
  const first = next.querySelector(
    "button:not([disabled]):not([hidden]):not([tabindex='-1']), input:not([disabled]), a[href], [tabindex='0']"
  )
  if (first instanceof HTMLElement) first.focus()
}

/** Notes on the page whether the focus was last moved by keys: an editor would wear its ring at every click otherwise. */
export function watchModality() {
  const root = document.documentElement
  addEventListener(
    "keydown",
    ({ key }) => {
      if (key === "Tab" || key === "F6") root.dataset.by = "keys"
    },
    { capture: true }
  )
  addEventListener("pointerdown", () => delete root.dataset.by, { capture: true })
}
