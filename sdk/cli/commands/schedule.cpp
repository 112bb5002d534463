// `quern schedule`: jobs that the broker submits again and again, when they are due.
#include <algorithm>
#include <iostream>
#include <optional>

#include "calendar/cron.hpp"
#include "calendar/zone.hpp"
#include "cli/commands/command.hpp"
#include "cli/commands/run_exec.hpp"
#include "cli/output/json.hpp"
#include "cli/output/lists_text.hpp"
#include "cli/output/table.hpp"
#include "cli/request/command_files.hpp"
#include "cli/request/job_template.hpp"
#include "cli/request/run_request.hpp"
#include "cli/syntax/options.hpp"
#include "notation/moment.hpp"
#include "quern/schedules.hpp"

namespace quern::cli {
namespace {

constexpr Manual kScheduleManual = {
    "quern schedule add | list | history | pause | resume | remove [OPTIONS]",
    "Submits a job again and again, at the times of a cron line. The broker does it, so nothing "
    "else has to run. Each due time has one run at most, also when the broker is restarted. The "
    "jobs belong to whoever adds the schedule; functions find the name of the schedule and the due "
    "time in the metadata of their job (`schedule`, `due`).",
    "  quern schedule add nightly '30 2 * * *' -- run exec -- ./backup.sh\n"
    "  quern schedule list\n"
    "  quern schedule history nightly\n"};

constexpr Manual kScheduleAddManual = {
    "quern schedule add NAME CRON [OPTIONS] -- run ...",
    "Adds a schedule. CRON has five fields: minute, hour, day of the month, month and day of the "
    "week, as in crontab(5); or it is @hourly, @daily, @weekly, @monthly or @yearly. What follows "
    "`--` is a command line of `quern run`, whose input is read now.\n\nWhen the clock is set "
    "forward (daylight saving), a time that it skips is due at once; a time that comes twice is "
    "due once. Lines whose minutes or hours begin with `*` simply go on.",
    "  quern schedule add nightly '30 2 * * *' -- run exec -- ./backup.sh\n"
    "  quern schedule add poll '*/5 * * * *' --overlap skip -- run exec -- curl -fsS "
    "http://10.0.0.7/status\n"
    "  quern schedule add report '0 8 * * mon-fri' --tz Europe/Zurich -- run score --items names\n"
    "  quern schedule add nightly '0 3 * * *' --replace -- run exec -- ./backup.sh\n"};

constexpr Manual kScheduleListManual = {
    "quern schedule list [PATTERN]",
    "Lists schedules, the oldest first, with their next due time and what happened at the last "
    "one. Times are in UTC.",
    "  quern schedule list\n"
    "  quern schedule list 'night*' --json | jq .next\n"};

constexpr Manual kScheduleHistoryManual = {
    "quern schedule history NAME",
    "Shows what happened at the last 100 due times of a schedule, the latest first: `ran` (with "
    "the "
    "job), `skipped` (the job of an earlier due time had not ended), `missed` (the broker did not "
    "run), `refused` (the job was not accepted).",
    "  quern schedule history nightly\n"
    "  quern schedule history nightly --json | jq -r 'select(.job) | .job' | head -1 | xargs quern "
    "logs\n"};

constexpr Manual kSchedulePauseManual = {
    "quern schedule pause NAME...",
    "Lets due times pass without a run, until `quern schedule resume`.",
    "  quern schedule pause nightly\n"};

constexpr Manual kScheduleResumeManual = {"quern schedule resume NAME...",
                                          "Continues paused schedules with their next due times.",
                                          "  quern schedule resume nightly\n"};

constexpr Manual kScheduleRemoveManual = {
    "quern schedule remove NAME...",
    "Removes schedules and their history. Jobs that they have submitted go on.",
    "  quern schedule remove nightly\n"};

template <typename Enum>
Enum word_of(const Given& given, const char* option, std::initializer_list<Enum> all) {
  const auto text = given.get_or<std::string>(option, std::string(to_string(*all.begin())));
  std::string words;
  for (const Enum each : all) {
    if (text == to_string(each)) return each;
    words += (words.empty() ? "" : " or ") + std::string(to_string(each));
  }
  throw UsageError(std::string("--") + option + " takes " + words + ", not '" + text + "'");
}

ScheduleOptions options_of(const Given& given) {
  ScheduleOptions options;
  options.cron = given.words().at(1);
  const auto cron = calendar::Cron::parse(options.cron);
  if (const auto* wrong = std::get_if<std::string>(&cron)) throw UsageError(*wrong);
  options.zone = given.get_or<std::string>("tz", calendar::local_zone_name());
  options.missed = word_of(given, "missed", {Missed::run_once, Missed::skip});
  options.overlap = word_of(given, "overlap", {Overlap::skip, Overlap::queue});
  options.replace = given.flag("replace");
  return options;
}

/// What `quern run` would submit. nullopt if help was printed.
std::optional<JobTemplate> template_of(const Arguments& arguments, Client& client,
                                       Attended& attended) {
  Console console;
  if (!arguments.empty() && arguments.front() == "exec") {
    const auto given = run_exec_syntax().parse({arguments.begin() + 1, arguments.end()});
    if (!given) return std::nullopt;
    return exec_template(*given, client, console, attended);
  }
  auto request = run_request(arguments);
  if (!request) return std::nullopt;
  if (request->program) {
    give_files(client, request->large, {&*request->program}, request->submit, console, attended);
    request->submit.common = to_bytes(*request->program);
  }
  return JobTemplate{std::move(request->function), std::move(request->input),
                     std::move(request->submit)};
}

std::string sentence_of(const ScheduleStatus& schedule) {
  std::string text = "schedule " + printable(schedule.name);
  if (schedule.paused) return text + " is paused\n";
  if (schedule.next_ms == 0) return text + " is never due\n";
  return text + " is due next at " +
         notation::moment_text(static_cast<std::int64_t>(schedule.next_ms / 1000)) + "\n";
}

void print(const ScheduleStatus& schedule, bool json) {
  std::cout << (json ? line_of(to_json(schedule)) : sentence_of(schedule));
}

Syntax schedule_add_syntax() {
  Syntax syntax(kScheduleAddManual);
  syntax.words(2, 2, "NAME or CRON (five fields in one pair of quotes)");
  auto add = syntax.add();
  add("tz", option<std::string>("ZONE"),
      "time zone of CRON, such as Europe/Zurich; default: that of this machine");
  add("missed", option<std::string>("run-once|skip"),
      "what happens to due times that passed while the broker did not run: one run for the latest "
      "of them (default), or none");
  add("overlap", option<std::string>("skip|queue"),
      "what happens at a due time while the job of an earlier one has not ended: no run (default), "
      "or a run after it");
  add("replace", flag(), "replace the schedule of this name");
  return syntax;
}

/// Options of `quern run` that would have no effect.
void check_line(Arguments::const_iterator from, Arguments::const_iterator to) {
  const auto end = std::find(from, to, "--");  // of a command, which has options of its own
  for (; from != end; ++from) {
    const std::string name = from->substr(0, from->find('='));
    for (const char* general : {"--broker", "--keys", "--insecure", "--json"})
      if (name == general)
        throw UsageError(name + " after `-- run` has no effect: give it before `--`");
    for (const char* waiting : {"--detach", "--unordered", "--get"})
      if (name == waiting)
        throw UsageError(name +
                         " does not fit a schedule: nobody waits for the results of its "
                         "jobs here (`quern results` and `quern fetch` show them)");
  }
}

Exit add_schedule(const Arguments& arguments) {
  const auto end = std::find(arguments.begin(), arguments.end(), "--");
  const auto given = schedule_add_syntax().parse({arguments.begin(), end});
  if (!given) return Exit::done;
  if (end == arguments.end() || end + 1 == arguments.end() || *(end + 1) != "run")
    throw UsageError(
        "after `--` comes what is submitted: `-- run FUNCTION ...`, or `-- run exec -- COMMAND`");
  check_line(end + 2, arguments.end());
  const ScheduleOptions options = options_of(*given);
  Attended attended;  // before any thread
  Client client(given->client());
  auto job = template_of({end + 2, arguments.end()}, client, attended);
  if (!job) return Exit::done;
  print(client.schedules().add(given->words().front(), options, std::move(job->function),
                               std::move(job->input), std::move(job->submit)),
        given->json());
  return Exit::done;
}

void add_owner(Syntax& syntax) {
  syntax.add()("owner", option<std::string>("NAME"),
               "the principal that it belongs to; default: the own (another: role admin)");
}

Syntax schedule_list_syntax() {
  Syntax syntax(kScheduleListManual);
  syntax.words(0, 1, "a pattern of names");
  syntax.add()("owner", option<std::string>("NAME"), "only those of this principal");
  return syntax;
}

Exit list_schedules(const Arguments& arguments) {
  const auto given = schedule_list_syntax().parse(arguments);
  if (!given) return Exit::done;
  Client client(given->client());
  const auto words = given->words();
  const auto schedules = client.schedules().list(words.empty() ? "" : words.front(),
                                                 given->get_or<std::string>("owner", {}));
  if (!given->json()) std::cout << schedules_text(schedules);
  for (const ScheduleStatus& schedule : schedules)
    if (given->json()) std::cout << line_of(to_json(schedule));
  return Exit::done;
}

Syntax history_syntax() {
  Syntax syntax(kScheduleHistoryManual);
  syntax.words(1, 1, "the name of a schedule");
  add_owner(syntax);
  return syntax;
}

Exit history(const Arguments& arguments) {
  const auto given = history_syntax().parse(arguments);
  if (!given) return Exit::done;
  Client client(given->client());
  const ScheduleStatus schedule =
      client.schedules().get(given->words().front(), given->get_or<std::string>("owner", {}));
  if (!given->json()) std::cout << runs_text(schedule.runs);
  for (const ScheduleRun& run : schedule.runs)
    if (given->json()) std::cout << line_of(to_json(run));
  return Exit::done;
}

Syntax schedules_syntax(const Manual& manual) {
  Syntax syntax(manual);
  syntax.words(1, Syntax::kAnyNumber, "the name of a schedule");
  add_owner(syntax);
  return syntax;
}

Syntax pause_schedule_syntax() { return schedules_syntax(kSchedulePauseManual); }
Syntax resume_schedule_syntax() { return schedules_syntax(kScheduleResumeManual); }
Syntax remove_schedule_syntax() { return schedules_syntax(kScheduleRemoveManual); }

Exit change_schedules(const Syntax& syntax, const Arguments& arguments,
                      ScheduleStatus (Schedules::*action)(const std::string&, const std::string&),
                      const char* done) {
  const auto given = syntax.parse(arguments);
  if (!given) return Exit::done;
  Client client(given->client());
  Schedules schedules = client.schedules();
  std::optional<Error> first;  // the others are changed nevertheless
  for (const std::string& name : given->words()) try {
      const ScheduleStatus schedule =
          (schedules.*action)(name, given->get_or<std::string>("owner", {}));
      if (done && !given->json())
        std::cout << "schedule " << printable(name) << ' ' << done << '\n';
      else
        print(schedule, given->json());
    } catch (const ConnectionError&) {
      throw;
    } catch (const Error& error) {
      if (!first) first = error;
    }
  if (first) throw Error(*first);
  return Exit::done;
}

Exit pause_schedule(const Arguments& arguments) {
  return change_schedules(pause_schedule_syntax(), arguments, &Schedules::pause, nullptr);
}
Exit resume_schedule(const Arguments& arguments) {
  return change_schedules(resume_schedule_syntax(), arguments, &Schedules::resume, nullptr);
}
Exit remove_schedule(const Arguments& arguments) {
  return change_schedules(remove_schedule_syntax(), arguments, &Schedules::remove, "is removed");
}

constexpr Subcommand kScheduleActions[] = {
    {"add", "add a schedule, or replace one", add_schedule, schedule_add_syntax},
    {"list", "list schedules and when they are due", list_schedules, schedule_list_syntax},
    {"history", "show what happened at the last due times", history, history_syntax},
    {"pause", "let due times pass without a run", pause_schedule, pause_schedule_syntax},
    {"resume", "continue paused schedules", resume_schedule, resume_schedule_syntax},
    {"remove", "remove schedules", remove_schedule, remove_schedule_syntax},
};

}  // namespace

Syntax schedule_syntax() {
  Syntax syntax(kScheduleManual);
  syntax.actions(kScheduleActions);
  return syntax;
}

Exit schedule(const Arguments& arguments) { return schedule_syntax().act(arguments); }

}  // namespace quern::cli
