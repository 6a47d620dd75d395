/**
 * Pages about the product: icons, pictures of bots, search, copy buttons, the account menu, colours of code.
 */
import { copyText } from "./shared/clipboard.js"
import { fill } from "./shared/dom.js"
import { icon } from "./shared/icons.js"
import { rings } from "./shared/rings.js"
import { rocketShip } from "./shared/rocket.js"
import { ensureSession } from "./shared/server.js"
import { mountAccount } from "./ide/account.js"
import { placeIcons } from "./ide/place_icons.js"

const all = (/** @type {string} */ selector) => [.../** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll(selector))]

placeIcons()
for (const port of all(".rocket__port")) port.append(rocketShip())
for (const art of all("[data-rings]")) {
  const picture = rings(art.dataset.rings ?? "")
  // The square picture in a wide frame: further away, on its own ground.
  picture.setAttribute("viewBox", "-18 0 76 40")
  art.style.background = picture.querySelector("rect")?.getAttribute("fill") ?? ""
  art.append(picture)
}

// Looking at a page makes no guest: who one is is asked when the menu opens.
/** @type {import("./shared/server.js").User | null} */
let user = null
const accountButton = document.getElementById("account")
if (accountButton) {
  const account = mountAccount(accountButton, { user: () => user, onUser: (named) => (user = named) })
  accountButton.addEventListener("click", async () => {
    user ??= await ensureSession().catch(() => null)
    if (user) account.show(user)
  })
}

document.addEventListener("click", (event) => {
  const button = event.target instanceof Element ? event.target.closest("[data-copy], [data-copy-from]") : null
  if (!(button instanceof HTMLElement)) return
  const from = button.dataset.copyFrom
  void copied(button, from ? (document.getElementById(from)?.textContent ?? "") : (button.dataset.copy ?? ""))
})

/** @param {HTMLElement} button @param {string} text */
async function copied(button, text) {
  if (!(await copyText(text))) return
  fill(button, icon("check"))
  setTimeout(() => fill(button, icon("copy")), 1500)
}

const search = document.getElementById("search")
search?.addEventListener("input", () => {
  const words = /** @type {HTMLInputElement} */ (search).value.toLowerCase().split(/\s+/).filter(Boolean)
  const cards = all("[data-words]")
  for (const card of cards) card.hidden = !words.every((word) => card.dataset.words?.toLowerCase().includes(word))
  const count = cards.filter((card) => !card.hidden).length
  const found = document.getElementById("found")
  if (found)
    found.textContent = words.length ? (count === 0 ? "No bot is called that." : count === 1 ? "1 bot" : `${count} bots`) : ""
})

const code = all("[data-python]")
if (code.length) {
  const { colorPython } = await import("./ide/python_colors.js")
  code.forEach(colorPython)
}

// The chapter that is being read is marked in the list beside the text.
const chapters = all(".chapters a")
if (chapters.length) {
  const watcher = new IntersectionObserver(
    (entries) => {
      const first = entries.find(({ isIntersecting }) => isIntersecting)
      if (first) mark(first.target.id)
    },
    { rootMargin: "-60px 0px -60% 0px" }
  )
  for (const heading of all("[data-chapter]")) watcher.observe(heading)
}

/** @param {string} id */
function mark(id) {
  for (const link of chapters) {
    if (link.getAttribute("href") === `#${id}`) link.setAttribute("aria-current", "true")
    else link.removeAttribute("aria-current")
  }
}
