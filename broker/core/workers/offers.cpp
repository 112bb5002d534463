#include "broker/core/workers/offers.hpp"

#include <algorithm>

#include "broker/core/workers/worker.hpp"

namespace quern::broker {
namespace {

std::size_t distance(std::string_view a, std::string_view b) {  // Levenshtein
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t change = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, change});
    }
  }
  return row[b.size()];
}

/// Workers that declare different rates still offer the same function.
FunctionDecl without_rate(FunctionDecl decl) {
  decl.rate = 0;
  return decl;
}

template <typename Counted, typename Decl>
void count_in(std::vector<Counted>& all, const Decl& decl) {
  const auto known =
      std::find_if(all.begin(), all.end(), [&](const Counted& c) { return c.decl == decl; });
  if (known == all.end())
    all.push_back({decl, 1});
  else
    ++known->workers;
}

template <typename Counted, typename Decl>
void count_out(std::vector<Counted>& all, const Decl& decl) {
  const auto known =
      std::find_if(all.begin(), all.end(), [&](const Counted& c) { return c.decl == decl; });
  if (known != all.end() && --known->workers == 0) all.erase(known);
}

}  // namespace

void Offers::add(Worker& worker) {
  if (worker.marks.draining || std::exchange(worker.marks.counted_in_offers, true)) return;
  for (const auto& decl : worker.declared.offer.functions) {
    auto& declared = functions_[decl.name];
    if (declared.empty()) new_functions_.insert(decl.name);
    count_in(declared, without_rate(decl));
  }
  for (const auto& decl : worker.declared.offer.reducers) {
    auto& declared = reducers_[decl.name];
    new_reducers_ = new_reducers_ || declared.empty();
    count_in(declared, decl);
  }
}

void Offers::remove(Worker& worker) {
  if (!std::exchange(worker.marks.counted_in_offers, false)) return;
  for (const auto& decl : worker.declared.offer.functions) {
    const auto at = functions_.find(decl.name);
    count_out(at->second, without_rate(decl));
    if (at->second.empty()) functions_.erase(at);
  }
  for (const auto& decl : worker.declared.offer.reducers) {
    const auto at = reducers_.find(decl.name);
    count_out(at->second, decl);
    if (at->second.empty()) reducers_.erase(at);
  }
}

std::vector<FunctionDecl> Offers::declarations(const std::string& function) const {
  std::vector<FunctionDecl> out;
  if (const auto at = functions_.find(function); at != functions_.end())
    for (const Declared& declared : at->second) out.push_back(declared.decl);
  return out;
}

const Bytes* Offers::identity(const std::string& reducer) const {
  const auto at = reducers_.find(reducer);
  if (at == reducers_.end()) return nullptr;
  for (const Reducer& declared : at->second)
    if (declared.decl.has_identity) return &declared.decl.identity;
  return nullptr;
}

std::string Offers::nearest(std::string_view name) const {
  std::string best;
  std::size_t least = std::max<std::size_t>(3, name.size() / 2 + 1);
  for (const auto& [offered, declared] : functions_) {
    const std::size_t d = distance(name, offered);
    if (d > least || (d == least && (best.empty() || offered > best))) continue;
    least = d;
    best = offered;
  }
  return best;
}

}  // namespace quern::broker
