/**
 * The dialog of a deploy: its steps as they happen, then the link, or why it was refused.
 */
import { copyText } from "../shared/clipboard.js"
import { append, el, fill } from "../shared/dom.js"
import { icon } from "../shared/icons.js"
import { toast } from "../shared/toast.js"
import { missingNotice, secondsText } from "./console.js"
import { STEPS } from "./deploy.js"
import { openDialog } from "./dialog.js"
import { openShare } from "./share.js"
import { fillLive } from "./share_link.js"
import { linked, missingPackage } from "./traceback.js"

/** @typedef {import("./state.js").IdeStore} IdeStore */
/** @typedef {import("./share.js").ShareHooks} ShareHooks */
/** @typedef {import("./deploy.js").StepLine} StepLine */
/** @typedef {import("./deploy.js").Deployed} Deployed */
/** @typedef {import("./deploy.js").Refused} Refused */
/** @typedef {ReturnType<typeof openDialog>} Box */

/** Opens the dialog while a deploy runs. @param {IdeStore} store @param {ShareHooks} hooks */
export function openProgress(store, hooks) {
  const title = store.get("bot")?.title ?? "Your bot"
  const before = store.get("bot")?.live?.number
  const box = openDialog({
    title: `Deploying ${title}`,
    sub: before ? `Visitors see version ${before} until the new one is healthy.` : "This takes a few seconds."
  })
  /** @type {Map<string, StepLine>} */
  const lines = new Map()
  const steps = el("ol", { class: "steps", "aria-label": "Deploy steps" })
  const below = el(
    "div",
    { class: "dialog__part share__later", "aria-hidden": true },
    el("div", { class: "skeleton share__qr" }),
    el(
      "div",
      null,
      el("div", { class: "skeleton" }),
      el("div", { class: "skeleton share__field" }),
      el("div", { class: "skeleton share__field" })
    )
  )
  append(box.content, el("div", { class: "dialog__part" }, steps), below)
  const draw = (/** @type {boolean} */ isOver, /** @type {number | undefined} */ serving) =>
    fill(steps, ...STEPS.map(([name, label]) => stepNode(label, lines.get(name), isOver, serving)))
  draw(false, before)

  return {
    /** @param {StepLine} line */
    step(line) {
      lines.set(line.step, line)
      draw(false, before)
    },

    /** @param {Deployed | Refused} answer */
    async end(answer) {
      const bot = store.get("bot")
      if ("url" in answer && bot) {
        const isCopied = await copyText(answer.url, "The link is on your clipboard")
        if (!box.isOpen) return void toast(`Version ${answer.number} is live${isCopied ? ", the link is copied" : ""}`)
        draw(true, before)
        below.remove()
        box.retitle(
          `${bot.title} is live`,
          `Version ${answer.number}, ready in ${secondsText(answer.seconds)}.${isCopied ? " The link is on your clipboard." : ""}`
        )
        return fillLive(box, bot, store, hooks, () => openShare(store, hooks))
      }
      const refusal = /** @type {Refused} */ (answer)
      if (!box.isOpen) return void toast(`Not deployed. ${refusal.error}`, { kind: "bad" })
      const failed = refusal.step ?? [...lines.values()].find(({ state }) => state !== "done")?.step
      if (failed) lines.set(failed, { step: failed, state: "failed" })
      draw(true, before)
      box.retitle(
        `${title} was not deployed`,
        before ? `Version ${before} still serves your visitors.` : "Nothing was published."
      )
      below.replaceWith(failureNode(refusal, hooks, box))
    }
  }
}

/** @param {string} label @param {StepLine | undefined} line @param {boolean} isOver @param {number | undefined} serving */
function stepNode(label, line, isOver, serving) {
  const state = line?.state ?? "next"
  const says = {
    next: isOver ? "not run" : "next",
    now: "now",
    done: line?.seconds === undefined ? "done" : secondsText(line.seconds),
    failed: serving ? `failed, v${serving} still serves` : "failed"
  }[state]
  return el(
    "li",
    { class: `steps__step steps__step--${state}` },
    el("b", null, state === "done" ? icon("check") : state === "failed" && icon("x"), label),
    el("span", null, says)
  )
}

/** @param {Refused} refusal @param {ShareHooks} hooks @param {Box} box */
function failureNode(refusal, hooks, box) {
  const { traceback, file, line } = refusal
  const show = (/** @type {string} */ path, /** @type {number} */ number) => {
    box.close()
    hooks.goTo(path, number)
  }
  const add = (/** @type {string} */ requirement) => {
    box.close()
    hooks.packages.add(requirement)
  }
  const name = missingPackage(`${traceback ?? ""}\n${refusal.error}`)
  const lines = (traceback ?? "")
    .trimEnd()
    .split("\n")
    .flatMap((text) => [
      ...linked(text, hooks.isOurs).map((piece) => {
        const { file: path, line: number } = piece
        return path !== undefined && number !== undefined
          ? el("button", { class: "trace-link", type: "button", onclick: () => show(path, number) }, piece.text)
          : piece.text
      }),
      "\n"
    ])
  return el(
    "div",
    { class: "dialog__part share__failure" },
    el(
      "div",
      { class: "notice notice--bad", role: "alert" },
      icon("alert"),
      el("span", null, refusal.error),
      file &&
        line &&
        el(
          "button",
          { class: "btn btn--sm", type: "button", autofocus: true, onclick: () => show(file, line) },
          `Show line ${line}`
        )
    ),
    traceback &&
      el(
        "div",
        { class: "code" },
        el("pre", { class: "share__trace", tabIndex: 0, role: "region", "aria-label": "Traceback" }, ...lines)
      ),
    name && missingNotice(name, { ...hooks.packages, add })
  )
}
