/** The dialogs: token, disconnect, send. Esc closes each, as dialogs do, and the focus goes back to where it was. */
import { $, setText } from "./dom.js";
import { toast } from "./toast.js";

for (const button of document.querySelectorAll("[data-close]")) button.onclick = () => button.closest("dialog").close();

/** Shows a dialog about a client. @param act gets called when it is confirmed; its answer becomes a toast */
function about(dialog, form, row, act) {
  setText(dialog.querySelector("[data-who]"), `${row.id} from ${row.address}`);
  form.onsubmit = (event) => {
    event.preventDefault();
    dialog.close();
    void act().then((result) => {
      if (result === null) toast("The connection to the server was lost: nothing is known of it.", true);
      else toast(`${row.id}: ${result.text}`, !result.ok);
    });
  };
  dialog.showModal();
}

export function askDisconnect(row, act) {
  about($("disconnect-dialog"), $("disconnect-form"), row, act);
}

export function askMessage(row, act) {
  const text = $("text");
  text.value = "";
  about($("send-dialog"), $("send-form"), row, () => act(text.value));
  text.focus();
}

$("text").onkeydown = (event) => {
  // Enter that ends a composition (Japanese, Chinese) belongs to the text.
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  $("send-form").requestSubmit();
};

/** @param act gets the token */
export function askToken(act) {
  $("token").value = "";
  setText($("token-problem"), "");
  $("token-form").onsubmit = (event) => {
    event.preventDefault();
    act($("token").value.trim());
  };
  if (!$("token-dialog").open) $("token-dialog").showModal();
}

export function closeTokenDialog() {
  $("token-dialog").close();
}

export function tokenProblem(text) {
  setText($("token-problem"), text);
  $("token").select();
}
