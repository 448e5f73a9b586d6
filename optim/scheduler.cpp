#include <kiln/optim/scheduler.h>

#include <algorithm>

#include <kiln/tensor/base/fail.h>

namespace kiln::optim {

LRScheduler::~LRScheduler() = default;

LRScheduler::LRScheduler(const char* name, Optimizer& optimizer) : name_(name), optimizer_(&optimizer) {}

void LRScheduler::start() {
  for (size_t g = 0; g < optimizer_->groups(); ++g) {
    if (optimizer_->find_note("initial_lr", g) == nullptr)
      optimizer_->set_note("initial_lr", optimizer_->lr(g), g);
    base_lrs_.push_back(*optimizer_->find_note("initial_lr", g));
  }
  LRScheduler::step();
}

void LRScheduler::step() {
  ++step_count_;
  ++last_epoch_;
  apply(false);
}

void LRScheduler::apply(bool closed) {
  if (base_lrs_.size() != optimizer_->groups())
    fail("{}: was made for {} parameter groups, the optimiser has {} now; make schedules after the groups",
         name_, base_lrs_.size(), optimizer_->groups());
  last_lr_.clear();
  for (size_t g = 0; g < optimizer_->groups(); ++g) last_lr_.push_back(closed ? closed_form(g) : next_lr(g));
  for (size_t g = 0; g < optimizer_->groups(); ++g) optimizer_->lr(g) = last_lr_[g];
}

void LRScheduler::restart() {
  ++step_count_;
  last_epoch_ = 0;
  apply(true);
}

void LRScheduler::visit(Fields&) {}

void LRScheduler::visit_all(Fields& fields) {
  visit(fields);
  fields("base_lrs", base_lrs_);
  fields("last_epoch", last_epoch_);
  fields("_step_count", step_count_);
  fields("_last_lr", last_lr_);
}

Value LRScheduler::state_dict() const {
  Value state = Value::dict();
  Fields fields(state);
  const_cast<LRScheduler*>(this)->visit_all(fields);  // a writer leaves the fields alone
  return state;
}

void LRScheduler::load_state_dict(const Value& state) {
  if (!state.is_dict() || state.find("last_epoch") == nullptr)
    fail("{}: the state to load has no 'last_epoch'; it must be what a schedule's state_dict() gave", name_);
  for (const char* key : {"base_lrs", "_last_lr"})
    if (const Value* lrs = state.find(key); lrs != nullptr && lrs->size() != optimizer_->groups())
      fail("{}: '{}' in the state to load is for {} parameter groups, the optimiser has {}", name_, key,
           lrs->size(), optimizer_->groups());
  Fields fields(state, name_);
  visit_all(fields);
}

SequentialLR::SequentialLR(Optimizer& optimizer, std::vector<LRScheduler*> schedulers,
                           std::vector<int64_t> milestones)
    : LRScheduler("SequentialLR", optimizer),
      schedulers_(std::move(schedulers)),
      milestones_(std::move(milestones)) {
  if (schedulers_.empty() || milestones_.size() + 1 != schedulers_.size())
    fail("SequentialLR: {} schedules need {} milestones, got {}", schedulers_.size(),
         schedulers_.empty() ? 0 : schedulers_.size() - 1, milestones_.size());
  if (!std::is_sorted(milestones_.begin(), milestones_.end()))
    fail("SequentialLR: the milestones must ascend");
  for (const LRScheduler* scheduler : schedulers_)
    if (scheduler == nullptr || scheduler->optimizer_ != optimizer_)
      fail("SequentialLR: every schedule must belong to the optimiser that was given");
  // Each schedule has set its first learning rate when it was made; that is taken back.
  for (size_t g = 0; g < optimizer.groups(); ++g) {
    base_lrs_.push_back(*optimizer.find_note("initial_lr", g));
    optimizer.lr(g) = base_lrs_.back();
  }
  for (LRScheduler* scheduler : schedulers_) --scheduler->last_epoch_;
  schedulers_[0]->step_count_ = 0;
  schedulers_[0]->step();
  last_epoch_ = 0;
  last_lr_ = schedulers_[0]->last_lr_;
}

double SequentialLR::next_lr(size_t group) const { return optimizer_->lr(group); }

void SequentialLR::step() {
  ++last_epoch_;
  const size_t index =
      size_t(std::upper_bound(milestones_.begin(), milestones_.end(), last_epoch_) - milestones_.begin());
  LRScheduler& scheduler = *schedulers_[index];
  if (index > 0 && milestones_[index - 1] == last_epoch_)
    scheduler.restart();
  else
    scheduler.step();
  last_lr_ = scheduler.last_lr_;
}

void SequentialLR::restart() {
  fail("SequentialLR: can only be the first schedule of another SequentialLR; name its parts there");
}

void SequentialLR::visit(Fields& fields) {
  fields("_milestones", milestones_);
  if (fields.to() != nullptr) {
    Value states = Value::list();
    for (const LRScheduler* scheduler : schedulers_) states.push_back(scheduler->state_dict());
    (*fields.to())["_schedulers"] = std::move(states);
    return;
  }
  const Value* states = fields.find("_schedulers");
  if (states == nullptr || states->size() != schedulers_.size())
    fail("SequentialLR: the state to load has {} schedules, this one {}",
         states == nullptr ? 0 : states->size(), schedulers_.size());
  for (size_t i = 0; i < schedulers_.size(); ++i) schedulers_[i]->load_state_dict(states->items()[i]);
}

}  // namespace kiln::optim
