/**
 * The console: a block for each run, with when it began, how it ended, and what it wrote to stderr.
 */
import { el, fill } from "../shared/dom.js"
import { icon } from "../shared/icons.js"
import { createConsoleText } from "./console_text.js"
import { missingPackage } from "./traceback.js"

/** @typedef {{requirementFor: (module: string) => string, add: (requirement: string) => void}} Packages */

/** @typedef {import("./types.js").Failure} Failure */
/** @typedef {{reason: string, exit_status?: number | null, seconds?: number | null, error?: Failure | null}} End */
/** @typedef {ReturnType<typeof mountConsole>} Console */
/** @typedef {{number: number, startedAt: number | null, isOver: boolean, node: HTMLElement, how: HTMLElement, took: HTMLElement, sign: HTMLElement, text: ReturnType<typeof createConsoleText>}} Block */

const MOST_BLOCKS = 60

const HOW = /** @type {Record<string, string>} */ ({
  stopped: "stopped by you",
  timed_out: "stopped: out of time",
  out_of_memory: "stopped: out of memory",
  output_limit: "stopped: too much output",
  idle: "ended after waiting for a long time",
  lost: "lost when the server restarted"
})

/** @param {End} end */
export function howItEnded({ reason, exit_status: status, error }) {
  if (reason === "crashed") return `stopped by ${error?.type ?? "a signal"}`
  if (reason === "exited") return status ? `ended with status ${status}` : "ended"
  return HOW[reason] ?? reason
}

/**
 * @param {HTMLElement} host
 * @param {object} hooks
 * @param {(path: string) => boolean} hooks.isOurs
 * @param {(file: string, line: number) => void} hooks.goTo
 * @param {() => void} hooks.onText something was written to stderr
 * @param {Packages} hooks.packages
 */
export function mountConsole(host, { isOurs, goTo, onText, packages }) {
  /** @type {Block[]} */
  let blocks = []
  let runs = 0
  const empty = el(
    "p",
    { class: "caption console__empty" },
    "Press ",
    el("b", null, "Run"),
    " to start your bot with the code on screen. " + "print() answers in the chat; errors and what goes to stderr appear here."
  )
  fill(host, empty)

  const tick = () => {
    const last = blocks.at(-1)
    if (last && !last.isOver && last.startedAt !== null)
      last.took.textContent = secondsText((performance.now() - last.startedAt) / 1000)
  }
  setInterval(tick, 1000)

  /** Whether the end is in view: then it stays there; a person who has scrolled up is left alone. */
  let isPinned = true
  host.addEventListener("scroll", () => {
    isPinned = host.scrollHeight - host.scrollTop - host.clientHeight < 24
  })
  const toEnd = () => {
    if (isPinned) host.scrollTop = host.scrollHeight
  }

  /** @param {boolean} isReplay */
  const addBlock = (isReplay) => {
    runs += 1
    const sign = el("span", { class: "console__sign" }, icon("play", "icon--ok"))
    const how = el("span", { class: "console__how" }, "running")
    const took = el("span", { class: "console__took" })
    const now = new Date()
    const time = el("time", { dateTime: now.toISOString() }, now.toLocaleTimeString("en-GB"))
    const text = createConsoleText({ isOurs, goTo, onDrawn: toEnd })
    const head = el("div", { class: "console__run" }, sign, el("b", null, `Run ${runs}`), !isReplay && time, how, took)
    const node = el("section", { class: "console__block", "aria-label": `Run ${runs}` }, head, text.node)
    /** @type {Block} */
    const block = { number: runs, startedAt: isReplay ? null : performance.now(), isOver: false, node, how, took, sign, text }
    blocks = [...blocks, block].slice(-MOST_BLOCKS)
    empty.remove()
    host.append(node)
    while (host.childElementCount > MOST_BLOCKS) host.firstElementChild?.remove()
    toEnd()
    return block
  }

  const current = () => {
    const last = blocks.at(-1)
    return last && !last.isOver ? last : null
  }

  return {
    /** @param {boolean} isReplay true for a run of before this page was loaded */
    start(isReplay) {
      addBlock(isReplay)
    },

    /** @param {string} text */
    write(text) {
      // stderr of a run that has just ended may still arrive.
      const block = current() ?? blocks.at(-1) ?? addBlock(true)
      block.text.write(text)
      onText()
    },

    /** @param {End} end */
    end(end) {
      const block = current()
      if (!block) return
      block.isOver = true
      block.text.flush()
      const isBad = end.reason !== "exited" || Boolean(end.exit_status)
      const isPlain = end.reason === "stopped" || end.reason === "idle"
      fill(
        block.sign,
        icon(isBad && !isPlain ? "stopped" : end.reason === "exited" ? "check" : "stop", isBad && !isPlain ? "icon--bad" : "")
      )
      block.how.textContent = howItEnded(end)
      block.took.textContent = end.seconds === null || end.seconds === undefined ? "" : secondsText(end.seconds)
      explain(block, end)
      toEnd()
    },

    /** Forgets everything; the next run is the first again only in a new chat. @param {boolean} [isNewChat] */
    clear(isNewChat = false) {
      const running = isNewChat ? null : current()
      if (isNewChat) runs = 0
      blocks = running ? [running] : []
      fill(host, running ? running.node : empty)
    }
  }

  /** Adds what the exit alone does not say. @param {Block} block @param {End} end */
  function explain(block, end) {
    const trace = end.error?.traceback ?? ""
    if (trace && !block.text.text.includes("Traceback")) {
      block.text.write(trace.endsWith("\n") ? trace : `${trace}\n`)
      block.text.flush()
      onText()
    }
    const name = end.error?.type === "ModuleNotFoundError" ? missingPackage(`ModuleNotFoundError: ${end.error.message}`) : ""
    if (name) block.node.append(missingNotice(name, packages))
  }
}

/** A module that is not there, and what brings it. @param {string} module @param {Packages} packages */
export function missingNotice(module, { requirementFor, add }) {
  const requirement = requirementFor(module)
  const says = requirement ? " is not installed for this bot." : " is not here, and no package brings it."
  return el(
    "div",
    { class: "notice notice--warn" },
    icon("alert"),
    el("span", null, el("code", null, module), says),
    requirement &&
      el("button", { class: "btn btn--sm", type: "button", onclick: () => add(requirement) }, `Add ${requirement} to requirements.txt`)
  )
}

/** @param {number} seconds */
export function secondsText(seconds) {
  if (seconds < 10) return `${seconds.toFixed(seconds < 1 ? 2 : 1)} s`
  if (seconds < 100) return `${seconds.toFixed(1)} s`
  return `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`
}
