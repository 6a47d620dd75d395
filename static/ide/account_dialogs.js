/**
 * Taking a name, and signing out. Fetched when it is done.
 */
import { el } from "../shared/dom.js"
import { ApiError, api, dropSession, ensureSession } from "../shared/server.js"
import { toast } from "../shared/toast.js"
import { openDialog } from "./dialog.js"

/** @typedef {import("../shared/server.js").User} User */

/** A guest becomes a user of the name that they choose; bots and links stay. @param {(user: User) => void} onTaken */
export function takeName(onTaken) {
  const fault = el("p", { class: "fault", id: "account-fault", role: "alert" })
  const field = el("input", {
    id: "account-name",
    required: true,
    maxLength: 40,
    autocomplete: "username",
    spellcheck: false,
    autocapitalize: "off",
    "aria-describedby": "account-fault"
  })
  const form = el(
    "form",
    { class: "dialog__part", id: "account-form" },
    el("label", { class: "dialog__label", htmlFor: "account-name" }, "Your name here"),
    el("div", { class: "field" }, field),
    fault
  )
  const box = openDialog({
    title: "Take a name",
    width: "narrow",
    sub: "Your bots are shown under it. To sign in elsewhere, make a token under Developers.",
    body: [form],
    foot: [
      el("span", null),
      el("button", { class: "btn", type: "button", onclick: () => box.close() }, "Cancel"),
      submitFor("account-form")
    ]
  })
  form.addEventListener("submit", async (event) => {
    event.preventDefault()
    try {
      await api("PATCH", "session", { json: { name: field.value.trim() } })
      dropSession()
      onTaken(await ensureSession())
      box.close()
    } catch (error) {
      if (!(error instanceof ApiError)) throw error
      fault.textContent = error.message
      field.focus()
    }
  })
  field.focus()
}

/** @param {string} form */
function submitFor(form) {
  const button = el("button", { class: "btn btn--ink", type: "submit" }, "Take it")
  button.setAttribute("form", form)
  return button
}

export async function signOut() {
  try {
    await api("DELETE", "session")
    location.assign("/login")
  } catch (error) {
    if (!(error instanceof ApiError)) throw error
    toast(`You are still signed in. ${error.message}`, { kind: "bad" })
  }
}
