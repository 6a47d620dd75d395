/**
 * The share dialog: how a deploy goes, the link and what to do with it, who can open it.
 */
import { copyText } from "../shared/clipboard.js"
import { append, el, fill } from "../shared/dom.js"
import { icon } from "../shared/icons.js"
import { ApiError, api } from "../shared/server.js"
import { toast } from "../shared/toast.js"
import { missingNotice, secondsText } from "./console.js"
import { STEPS } from "./deploy.js"
import { confirmed, openDialog } from "./dialog.js"
import { missingPackage, linked } from "./traceback.js"
import { openVersions } from "./versions.js"

/** @typedef {import("./state.js").IdeStore} IdeStore */
/** @typedef {import("./types.js").Bot} Bot */
/** @typedef {import("./types.js").Access} Access */
/** @typedef {import("./deploy.js").StepLine} StepLine */
/** @typedef {import("./deploy.js").Deployed} Deployed */
/** @typedef {import("./deploy.js").Refused} Refused */
/** @typedef {ReturnType<typeof openDialog>} Box */

/**
 * @typedef {object} ShareHooks
 * @property {(changes: {access?: Access, taken_down?: boolean, notice?: null}) => Promise<Bot>} patch
 * @property {() => Promise<void>} refresh
 * @property {(path: string) => boolean} isOurs
 * @property {(file: string, line: number) => void} goTo
 * @property {() => void} deploy
 * @property {() => void} onUnsaved the draft is not on the server, so nothing was deployed
 */

const CHOICES = /** @type {const} */ ([
  ["private", "lock", "Only you", "signed in, on any device"],
  ["unlisted", "link", "Anyone with the link", "no account needed"],
  ["public", "globe", "Everyone", "listed on Explore"]
])

/** Opens the dialog for a bot that has been deployed, or tells how to. @param {IdeStore} store @param {ShareHooks} hooks */
export function openShare(store, hooks) {
  const bot = store.get("bot")
  if (!bot) return
  if (!bot.url) return askForDeploy(bot, hooks)
  const box = openDialog({ title: bot.taken_down ? `${bot.title} is taken down` : `${bot.title} is live`, sub: standing(bot) })
  fillLive(box, bot, store, hooks)
}

/** Opens the dialog while a deploy runs. @param {IdeStore} store @param {ShareHooks} hooks */
export function openProgress(store, hooks) {
  const title = store.get("bot")?.title ?? "Your bot"
  const before = store.get("bot")?.live?.number
  const box = openDialog({ title: `Deploying ${title}`, sub: before ? `Visitors see version ${before} until the new one is healthy.` : "This takes a few seconds." })
  /** @type {Map<string, StepLine>} */
  const lines = new Map()
  const steps = el("ol", { class: "steps", "aria-label": "Deploy steps" })
  const below = el("div", { class: "dialog__part share__later", "aria-hidden": true },
    el("div", { class: "skeleton share__qr" }), el("div", null, el("div", { class: "skeleton" }), el("div", { class: "skeleton share__field" }), el("div", { class: "skeleton share__field" })))
  append(box.content, el("div", { class: "dialog__part" }, steps), below)
  const draw = (/** @type {boolean} */ isOver, /** @type {number | undefined} */ serving) => fill(steps, ...STEPS.map(([name, label]) => stepNode(label, lines.get(name), isOver, serving)))
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
        box.retitle(`${bot.title} is live`, `Version ${answer.number}, ready in ${secondsText(answer.seconds)}.${isCopied ? " The link is on your clipboard." : ""}`)
        return fillLive(box, bot, store, hooks)
      }
      const refusal = /** @type {Refused} */ (answer)
      if (!box.isOpen) return void toast(`Not deployed. ${refusal.error}`, { kind: "bad" })
      const failed = refusal.step ?? [...lines.values()].find(({ state }) => state !== "done")?.step
      if (failed) lines.set(failed, { step: failed, state: "failed" })
      draw(true, before)
      box.retitle(`${title} was not deployed`, before ? `Version ${before} still serves your visitors.` : "Nothing was published.")
      below.replaceWith(failureNode(refusal, hooks, box))
    }
  }
}

/** @param {string} label @param {StepLine | undefined} line @param {boolean} isOver @param {number | undefined} serving */
function stepNode(label, line, isOver, serving) {
  const state = line?.state ?? "next"
  const says = {
    next: isOver ? "not run" : "next", now: "now", done: line?.seconds === undefined ? "done" : secondsText(line.seconds),
    failed: serving ? `failed, v${serving} still serves` : "failed"
  }[state]
  return el("li", { class: `steps__step steps__step--${state}` },
    el("b", null, state === "done" ? icon("check") : state === "failed" && icon("x"), label), el("span", null, says))
}

/** @param {Refused} refusal @param {ShareHooks} hooks @param {Box} box */
function failureNode(refusal, hooks, box) {
  const { traceback, file, line } = refusal
  const show = (/** @type {string} */ path, /** @type {number} */ number) => {
    box.close()
    hooks.goTo(path, number)
  }
  const name = missingPackage(`${traceback ?? ""}\n${refusal.error}`)
  const lines = (traceback ?? "").trimEnd().split("\n").flatMap((text) => [
    ...linked(text, hooks.isOurs).map((piece) => {
      const { file: path, line: number } = piece
      return path !== undefined && number !== undefined ? el("button", { class: "trace-link", type: "button", onclick: () => show(path, number) }, piece.text) : piece.text
    }), "\n"])
  return el("div", { class: "dialog__part share__failure" },
    el("div", { class: "notice notice--bad", role: "alert" }, icon("alert"), el("span", null, refusal.error),
      file && line && el("button", { class: "btn btn--sm", type: "button", autofocus: true, onclick: () => show(file, line) }, `Show line ${line}`)),
    traceback && el("div", { class: "code" }, el("pre", { class: "share__trace", tabIndex: 0, role: "region", "aria-label": "Traceback" }, ...lines)),
    name && missingNotice(name))
}

/** @param {Bot} bot */
function standing(bot) {
  if (bot.taken_down) return "Visitors see a polite page. The link stays the same when you put it back."
  const number = bot.live?.number
  return bot.changed.length ? `Visitors see version ${number}; your draft is newer.` : `Visitors see version ${number}, which is your draft.`
}

/** @param {Bot} bot @param {ShareHooks} hooks */
function askForDeploy(bot, hooks) {
  const box = openDialog({
    title: `${bot.title} is not shared yet`, width: "narrow", sub: "The rocket makes a version of your draft and a link to it. Nothing else to fill in.",
    foot: [el("span", null, "Anyone with the link can chat."), el("button", { class: "btn btn--accent", type: "button", autofocus: true, onclick: () => {
      box.close()
      hooks.deploy()
    } }, "Deploy")]
  })
}

/** The link, its picture, who can open it. @param {Box} box @param {Bot} bot @param {IdeStore} store @param {ShareHooks} hooks */
function fillLive(box, bot, store, hooks) {
  const link = bot.url ?? ""
  const copied = el("span", null, "Copy link")
  const copy = el("button", { class: "btn btn--accent btn--lg", type: "button", onclick: async () => {
    copied.textContent = (await copyText(link, "The link is copied")) ? "Copied" : "Select and copy it"
    setTimeout(() => (copied.textContent = "Copy link"), 2000)
  } }, icon("copy"), copied)
  const field = el("input", { id: "share-link", readOnly: true, value: link.replace(/^https?:\/\//, ""), onfocus: () => field.select() })
  // What is shown leaves the scheme out; what a person copies from the field by hand must still work.
  field.addEventListener("copy", (event) => {
    event.clipboardData?.setData("text/plain", link)
    event.preventDefault()
  })
  const open = el("a", { class: "btn btn--lg", href: link, target: "_blank", rel: "noopener" }, icon("open"), "Open")
  const renew = el("button", { class: "btn btn--lg btn--quiet", type: "button", onclick: () => void rotate(box, bot, store, hooks) }, icon("refresh"), "New link")
  const picture = bot.qr === false ? null : el("img", { class: "link-out__qr", src: `/api/v1/bots/${bot.id}/qr`, alt: "QR code of the link", width: 128, height: 128 })
  const local = el("p", { class: "note" }, icon("alert"), el("span", null,
    "This link works on this computer only, so there is no QR code. Start the server with HAL9_IDE_PUBLIC_URL to share it further."))
  append(box.content,
    el("div", { class: `dialog__part link-out${picture ? "" : " link-out--plain"}` }, picture,
      el("div", null, el("label", { class: "dialog__label", htmlFor: "share-link" }, "Link for visitors"), el("div", { class: "field field--code" }, field),
        el("div", { class: "link-out__acts" }, copy, open, renew))),
    !picture && el("div", { class: "dialog__part" }, local),
    accessPart(bot, hooks),
    el("div", { class: "dialog__foot" }, el("span", null, bot.taken_down ? "Nobody can chat now." : `Visitors see version ${bot.live?.number} until you deploy again.`),
      el("button", { class: "btn btn--quiet btn--sm", type: "button", onclick: () => {
        box.close()
        void openVersions(store, hooks)
      } }, icon("clock"), "Versions"),
      el("button", { class: `btn btn--quiet btn--sm${bot.taken_down ? "" : " btn--bad"}`, type: "button", onclick: () => void takeDown(box, bot, store, hooks) }, bot.taken_down ? "Put it back" : "Take down")))
  // The ring belongs to it even where the pointer started the deploy.
  copy.focus(/** @type {FocusOptions} */ ({ focusVisible: true }))
}

/** @param {Bot} bot @param {ShareHooks} hooks */
function accessPart(bot, hooks) {
  const rows = CHOICES.map(([access, sign, name, small]) => {
    const radio = el("input", { class: "radio", type: "radio", name: "access", value: access, checked: bot.access === access })
    radio.addEventListener("change", () => {
      hooks.patch({ access, notice: null }).catch((error) => toast(`Who can open it was not changed. ${error.message}`, { kind: "bad" }))
    })
    return el("label", { class: "choice__row" }, radio, icon(sign), el("span", null, el("b", null, name), " ", el("small", null, small)))
  })
  return el("fieldset", { class: "dialog__part" }, el("legend", { class: "sr-only" }, "Who can open it"),
    el("div", { class: "dialog__label", "aria-hidden": true }, "Who can open it"), el("div", { class: "choice" }, ...rows))
}

/** @param {Box} box @param {Bot} bot @param {IdeStore} store @param {ShareHooks} hooks */
async function rotate(box, bot, store, hooks) {
  const text = el("span", null, "The link ", el("code", null, (bot.url ?? "").replace(/^https?:\/\//, "")), " stops working for everybody who has it. Conversations stay in your visitors' browsers, but they need the new link.")
  if (!(await confirmed({ title: "Make a new link?", text, verb: "Make a new link", isBad: true }))) return
  await attempt("The link was not changed.", async () => {
    await api("POST", `bots/${bot.id}/rotate`, { json: {} })
    await hooks.refresh()
    box.close()
    openShare(store, hooks)
    toast("The old link no longer works")
  })
}

/** @param {Box} box @param {Bot} bot @param {IdeStore} store @param {ShareHooks} hooks */
async function takeDown(box, bot, store, hooks) {
  const isDown = !bot.taken_down
  const text = el("span", null, "Visitors of ", el("code", null, (bot.url ?? "").replace(/^https?:\/\//, "")), " see a polite page until you put it back. Versions and conversations are kept.")
  if (isDown && !(await confirmed({ title: `Take ${bot.title} down?`, text, verb: "Take down", isBad: true }))) return
  await attempt("Nothing was changed.", async () => {
    await hooks.patch({ taken_down: isDown })
    box.close()
    toast(isDown ? `${bot.title} is taken down` : `${bot.title} is live again`)
  })
}

/** @param {string} what @param {() => Promise<void>} work */
async function attempt(what, work) {
  try {
    await work()
  } catch (error) {
    if (!(error instanceof ApiError)) throw error
    toast(`${what} ${error.message}`, { kind: "bad" })
  }
}
