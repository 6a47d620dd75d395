/**
 * A field in place of a row, for the name of a file: says at once what is wrong, Enter keeps it, Escape does not.
 */
import { el } from "../shared/dom.js"
import { faultOf } from "./paths.js"

/**
 * @param {object} spec
 * @param {string} spec.value the name so far, "" for a new file
 * @param {string} spec.label
 * @param {string} spec.className
 * @param {string} spec.folder where it lies, with its slash
 * @param {string[]} spec.taken paths that exist
 * @param {(path: string | null) => void} spec.onEnd called once; null where nothing was named
 */
export function nameField({ value, label, className, folder, taken, onEnd }) {
  let isDone = false
  const fault = el("p", { class: "fault", id: "name-fault", role: "alert" })
  const field = el("input", {
    class: `files__field ${className}`,
    value,
    spellcheck: false,
    autocomplete: "off",
    "aria-label": label,
    "aria-describedby": "name-fault"
  })
  const wanted = () => field.value.trim()
  const isNews = () => wanted() !== "" && wanted() !== value

  const check = () => {
    fault.textContent = isNews() ? (faultOf(folder + wanted(), taken) ?? "") : ""
    field.ariaInvalid = String(fault.textContent !== "")
    return fault.textContent === ""
  }

  /** @param {boolean} isKept */
  const end = (isKept) => {
    if (isDone || (isKept && !check())) return
    isDone = true
    onEnd(isKept && isNews() ? folder + wanted() : null)
  }

  field.addEventListener("input", check)
  field.addEventListener("blur", () => end(check()))
  field.addEventListener("keydown", (event) => {
    if (event.isComposing || (event.key !== "Enter" && event.key !== "Escape")) return
    event.preventDefault()
    event.stopPropagation()
    end(event.key === "Enter")
  })
  queueMicrotask(() => {
    const dot = value.lastIndexOf(".")
    field.focus()
    field.setSelectionRange(0, dot > 0 ? dot : value.length)
  })
  return el("li", { class: "files__row files__row--field" }, field, fault)
}
