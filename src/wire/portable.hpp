#pragma once
// A request for OpenRouter made fit for any endpoint that speaks OpenAI's API: strict ones refuse members
// they do not know, and without being asked they do not tell a stream's usage (CONTRACT §3.1: at OpenRouter
// `stream_options` is a no-op). Pure; a second look at the body, for the attempts that go to other upstreams
// only.

#include <string_view>

#include "wire/edit.hpp"

namespace gantry::wire {

/// True for the top-level members that are OpenRouter's own: routing (`models`, `provider`, `route`,
/// `preset`), what it adds around a model (`plugins`, `transforms`, …), and its bookkeeping (`session_id`,
/// `trace`, …).
bool is_openrouters_own(std::string_view member);

enum class AsStream { no, yes };

/// Cuts those members of `body`, which is a JSON object that was scanned, and asks for a stream's usage.
/// Members that stay keep their bytes and order; at least one does. `insert_at` is right after the object's
/// '{'.
void make_portable(Splice& body, std::size_t insert_at, AsStream stream);

}  // namespace gantry::wire
