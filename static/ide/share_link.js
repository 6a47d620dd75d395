/**
 * The link of a deployed bot: copy, open, its QR code, who can open it, a new one, taking it down.
 */
import { copyText } from "../shared/clipboard.js"
import { append, el } from "../shared/dom.js"
import { icon } from "../shared/icons.js"
import { api } from "../shared/server.js"
import { toast } from "../shared/toast.js"
import { attempt } from "./attempt.js"
import { button } from "./button.js"
import { confirmed } from "./dialog.js"
import { openVersions } from "./versions.js"

/** @typedef {import("./state.js").IdeStore} IdeStore */
/** @typedef {import("./types.js").Bot} Bot */
/** @typedef {import("./share.js").ShareHooks} ShareHooks */
/** @typedef {ReturnType<typeof import("./dialog.js").openDialog>} Box */

const COPIED_MS = 2000
const CHOICES = /** @type {const} */ ([
  ["private", "lock", "Only you", "signed in, on any device"],
  ["unlisted", "link", "Anyone with the link", "no account needed"],
  ["public", "globe", "Everyone", "listed on Explore"]
])

/**
 * The link, its picture, who can open it.
 * @param {Box} box
 * @param {Bot} bot
 * @param {IdeStore} store
 * @param {ShareHooks} hooks
 * @param {() => void} again opens the dialog anew, with what has changed
 */
export function fillLive(box, bot, store, hooks, again) {
  const link = bot.url ?? ""
  const copy = copyButton(link)
  const open = el("a", { class: "btn btn--lg", href: link, target: "_blank", rel: "noopener" }, icon("open"), "Open")
  const renew = button("New link", () => rotate(box, bot, hooks, again), "btn--lg btn--quiet", "refresh")
  const about = el("div", null,
    el("label", { class: "dialog__label", htmlFor: "share-link" }, "Link for visitors"),
    el("div", { class: "field field--code" }, linkField(link)),
    el("div", { class: "link-out__acts" }, copy, open, renew))
  append(box.content, ...linkParts(bot, about), accessPart(bot, hooks), foot(box, bot, store, hooks))
  // The ring belongs to it even where the pointer started the deploy.
  copy.focus(/** @type {FocusOptions} */ ({ focusVisible: true }))
}

/** The link beside its QR code, or over a sentence that says why there is none. @param {Bot} bot @param {HTMLElement} about */
function linkParts(bot, about) {
  if (bot.qr === false) {
    const why = "This link works on this computer only, so there is no QR code. Start the server with HAL9_IDE_PUBLIC_URL to share it further."
    return [
      el("div", { class: "dialog__part link-out link-out--plain" }, about),
      el("div", { class: "dialog__part" }, el("p", { class: "note" }, icon("alert"), el("span", null, why)))
    ]
  }
  const src = `/api/v1/bots/${bot.id}/qr`
  const picture = el("img", { class: "link-out__qr", src, alt: "QR code of the link", width: 128, height: 128 })
  const part = el("div", { class: "dialog__part link-out" }, picture, about)
  // Without its picture the link takes the whole width.
  picture.addEventListener("error", () => {
    part.classList.add("link-out--plain")
    picture.remove()
  })
  return [part]
}

/** @param {string} link */
function copyButton(link) {
  const label = el("span", null, "Copy link")
  const copy = async () => {
    label.textContent = (await copyText(link, "The link is copied")) ? "Copied" : "Select and copy it"
    setTimeout(() => (label.textContent = "Copy link"), COPIED_MS)
  }
  return button(label, copy, "btn--accent btn--lg", "copy")
}

/** What is shown leaves the scheme out; what a person copies from the field by hand still works. @param {string} link */
function linkField(link) {
  const field = el("input", { id: "share-link", readOnly: true, value: shortened(link), onfocus: () => field.select() })
  field.addEventListener("copy", (event) => {
    event.clipboardData?.setData("text/plain", link)
    event.preventDefault()
  })
  return field
}

/** @param {Box} box @param {Bot} bot @param {IdeStore} store @param {ShareHooks} hooks */
function foot(box, bot, store, hooks) {
  const toVersions = () => {
    box.close()
    return openVersions(store, hooks)
  }
  return el("div", { class: "dialog__foot" },
    el("span", null, bot.taken_down ? "Nobody can chat now." : `Visitors see version ${bot.live?.number} until you deploy again.`),
    button("Versions", toVersions, "btn--quiet btn--sm", "clock"),
    button(bot.taken_down ? "Put it back" : "Take down", () => takeDown(box, bot, hooks), `btn--quiet btn--sm${bot.taken_down ? "" : " btn--bad"}`))
}

/** @param {string | null} link */
const shortened = (link) => (link ?? "").replace(/^https?:\/\//, "")

/** @param {Bot} bot @param {ShareHooks} hooks */
function accessPart(bot, hooks) {
  const rows = CHOICES.map(([access, sign, name, small]) => {
    const radio = el("input", { class: "radio", type: "radio", name: "access", value: access, checked: bot.access === access })
    radio.addEventListener("change", () => {
      hooks
        .patch({ access, notice: null })
        .then(() => access === "private" && toast("Only you can begin a conversation now. Those that have begun go on."))
        .catch((error) => toast(`Who can open it was not changed. ${error.message}`, { kind: "bad" }))
    })
    return el(
      "label",
      { class: "choice__row" },
      radio,
      icon(sign),
      el("span", null, el("b", null, name), " ", el("small", null, small))
    )
  })
  return el(
    "fieldset",
    { class: "dialog__part" },
    el("legend", { class: "sr-only" }, "Who can open it"),
    el("div", { class: "dialog__label", "aria-hidden": true }, "Who can open it"),
    el("div", { class: "choice" }, ...rows)
  )
}

/** @param {Box} box @param {Bot} bot @param {ShareHooks} hooks @param {() => void} again */
async function rotate(box, bot, hooks, again) {
  const text = el(
    "span",
    null,
    "The link ",
    el("code", null, shortened(bot.url)),
    " stops working for everybody who has it. Conversations stay in your visitors' browsers, but they need the new link."
  )
  if (!(await confirmed({ title: "Make a new link?", text, verb: "Make a new link", isBad: true }))) return
  await attempt("The link was not changed.", async () => {
    await api("POST", `bots/${bot.id}/rotate`, { json: {} })
    await hooks.refresh()
    box.close()
    again()
    toast("The old link no longer works")
  })
}

/** @param {Box} box @param {Bot} bot @param {ShareHooks} hooks */
async function takeDown(box, bot, hooks) {
  const isDown = !bot.taken_down
  const text = el(
    "span",
    null,
    "Visitors of ",
    el("code", null, shortened(bot.url)),
    " see a polite page until you put it back. Versions and conversations are kept."
  )
  if (isDown && !(await confirmed({ title: `Take ${bot.title} down?`, text, verb: "Take down", isBad: true }))) return
  await attempt("Nothing was changed.", async () => {
    await hooks.patch({ taken_down: isDown })
    box.close()
    toast(isDown ? `${bot.title} is taken down` : `${bot.title} is live again`)
  })
}
