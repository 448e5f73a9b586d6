#include <CLI/CLI.hpp>
#include <memory>
#include <string>

#include <kiln/tools/serve/commands.h>

namespace kiln::tools {
namespace {

// `example`: words of a command after `kiln store`.
CLI::App* add_verb(CLI::App& store, StoreOptions& options, const char* name, const char* help,
                   const char* example) {
  CLI::App* verb = store.add_subcommand(name, help);
  verb->add_option("store", options.store, "the store's folder")->required();
  verb->add_flag("--json", options.json, "JSON instead of text");
  verb->footer(std::string("Example: kiln store ") + example);
  return verb;
}

}  // namespace

void add_serve(CLI::App& app) {
  const auto options = std::make_shared<ServeOptions>();
  CLI::App* command =
      app.add_subcommand("serve", "Answers requests for a model by HTTP, with a page for people");
  command
      ->add_option("path", options->path,
                   "a store, whose current version is followed, or a whole model's file")
      ->required();
  command->add_option("--port", options->port, "0: one that is free")->capture_default_str();
  command->add_option("--address", options->address, "0.0.0.0 or :: for all of this machine's")
      ->capture_default_str();
  command->add_option("--unix-socket", options->unix_socket,
                      "a path to listen on too; who may open it may roll back");
  command->add_option("--name", options->name, "of the model in the routes")->capture_default_str();
  command->add_option("--device", options->device, "cpu or cuda")->capture_default_str();
  command->add_option("--max-batch", options->max_batch, "samples in a batch")->capture_default_str();
  command->add_option("--max-delay-ms", options->max_delay_ms, "that a request waits for others")
      ->capture_default_str();
  command->add_option("--queue", options->queue, "samples that wait; more are told 429")
      ->capture_default_str();
  command->add_option("--threads", options->threads, "that read requests and decode pictures")
      ->capture_default_str();
  command->add_option("--token-file", options->token_file,
                      "holds the token for rollback; without it this machine may");
  command->add_option("--access-log", options->access_log,
                      "a file of JSON lines, or - for the standard output");
  command->add_option("--shadow", options->shadow, "a version or file that answers a share too, for nobody");
  command->add_option("--shadow-share", options->shadow_share, "of the requests")->capture_default_str();
  command->add_flag("--json", options->json, "the line that says where, as JSON");
  command->footer("Example: kiln serve store --port 8000 --token-file token");
  command->callback([=] { serve(*options); });
}

namespace {

// What puts models into the store.
void add_adding(CLI::App& store, const std::shared_ptr<StoreOptions>& options, int& status) {
  CLI::App* add = add_verb(store, *options, "add", "Copies a model into the store",
                           "add store run/best.kiln --note 'more night pictures'");
  add->add_option("file", options->file, "the model")->required();
  CLI::App* publish =
      add_verb(store, *options, "publish", "Promotes a model if it is better; status 1 when not",
               "publish store run/best.kiln --data cells.jsonl --split val");
  publish->add_option("file", options->file, "a file, or a version in the store")->required();
  publish
      ->add_option("--data", options->data, "the validation set: a folder of class folders, a manifest, ...")
      ->required();
  publish->add_option("--split", options->split, "of the set; without it val, test or all, what there is");
  publish->add_option("--level", options->level, "of the test; 1: any higher mean")->capture_default_str();
  for (CLI::App* verb : {add, publish}) {
    verb->add_option("--metric", options->metrics, "name=number, beside those of the model's card");
    verb->add_option("--manifest", options->manifest,
                     "the file that lists the training data; its hash is kept");
    verb->add_option("--note", options->note, "for people");
  }
  add->callback([=] { store_add(*options); });
  publish->callback([=, &status] { status = store_publish(*options) ? 0 : 1; });
}

// What changes over.
void add_changing(CLI::App& store, const std::shared_ptr<StoreOptions>& options) {
  CLI::App* promote = add_verb(store, *options, "promote", "Makes a version current, whatever it is like",
                               "promote store 3fa92c --why 'the first one'");
  promote->add_option("version", options->file, "the first digits of its id")->required();
  promote->callback([=] { store_promote(*options); });
  CLI::App* rollback =
      add_verb(store, *options, "rollback", "Makes the version before current again, or another",
               "rollback store --why 'night pictures are worse'");
  rollback->add_option("version", options->file, "the first digits of its id");
  rollback->callback([=] { store_rollback(*options); });
  for (CLI::App* verb : {promote, rollback}) verb->add_option("--why", options->why, "for the history");
}

// What keeps, tells and removes.
void add_keeping(CLI::App& store, const std::shared_ptr<StoreOptions>& options) {
  CLI::App* pin = add_verb(store, *options, "pin", "Never removes a version", "pin store 3fa92c");
  CLI::App* unpin = add_verb(store, *options, "unpin", "Takes that back", "unpin store 3fa92c");
  CLI::App* show =
      add_verb(store, *options, "show", "What is known of a version", "show store 3fa92c --json");
  for (CLI::App* verb : {pin, unpin, show})
    verb->add_option("version", options->file, "the first digits of its id")->required();
  pin->callback([=] { store_pin(*options, true); });
  unpin->callback([=] { store_pin(*options, false); });
  show->callback([=] { store_show(*options); });
  CLI::App* list = add_verb(store, *options, "list", "All versions, the oldest first", "list store");
  list->callback([=] { store_list(*options); });
  CLI::App* history =
      add_verb(store, *options, "history", "Promotions, refusals and rollbacks", "history store");
  history->callback([=] { store_history(*options); });
  CLI::App* diff =
      add_verb(store, *options, "diff", "What differs between two versions", "diff store 3fa92c 81b07d");
  diff->add_option("a", options->file, "a version")->required();
  diff->add_option("b", options->other, "a version")->required();
  diff->callback([=] { store_diff(*options); });
  CLI::App* gc = add_verb(store, *options, "gc", "Removes versions that nothing needs",
                          "gc store --rollbacks 3 --days 7");
  gc->add_option("--rollbacks", options->rollbacks, "versions before the current one that stay")
      ->capture_default_str();
  gc->add_option("--days", options->days, "younger versions stay")->capture_default_str();
  gc->callback([=] { store_gc(*options); });
}

}  // namespace

void add_store(CLI::App& app, int& status) {
  const auto options = std::make_shared<StoreOptions>();
  CLI::App* store = app.add_subcommand("store", "Keeps models as versions, one of which is current");
  store->require_subcommand(1);
  add_adding(*store, options, status);
  add_changing(*store, options);
  add_keeping(*store, options);
}

}  // namespace kiln::tools
