// Key text, key files, authorized_keys and invitations: tables of what is accepted and what is
// refused.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <thread>

#include "keys/authorized_keys.hpp"
#include "keys/error.hpp"
#include "keys/files.hpp"
#include "keys/invitation.hpp"
#include "keys/sodium.hpp"
#include "keys/z85.hpp"
#include "support/folder.hpp"

namespace fs = std::filesystem;

namespace quern::keys {
namespace {

using test::Folder;

std::string refusal_of(auto&& action) {
  try {
    action();
  } catch (const KeyError& error) {
    return error.what();
  }
  return "";
}

unsigned mode_of(const std::string& path) {
  struct stat about {};
  return ::stat(path.c_str(), &about) == 0 ? about.st_mode & 0777 : 0;
}

const std::string kKey =
    "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7";  // the public key of ZeroMQ's CURVE documentation
const std::string kSecret = "JTKVSB%%)wK0E.X)V>+}o?pNmC{O&4W4b!Ni{Lh6";
const std::string kOther = "Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID";

// ---- text

TEST(Z85, the_example_of_the_specification_is_encoded) {
  const std::string bytes = "\x86\x4F\xD2\x6F\xB5\x59\xF7\x5B";
  EXPECT_EQ(z85_encode(bytes), "HelloWorld");
  EXPECT_EQ(z85_decode("HelloWorld"), bytes);
}

TEST(Z85, invalid_text_is_refused) {
  for (const char* text : {"1234", "123456", "12 45", "12\"45", "#####", "%nSc1"})
    EXPECT_FALSE(z85_decode(text)) << text;
  EXPECT_EQ(z85_decode("%nSc0"), "\xFF\xFF\xFF\xFF");
  EXPECT_EQ(z85_decode(""), "");
}

TEST(Z85, every_key_survives_a_round_trip) {
  for (int i = 0; i < 200; ++i) {
    const std::string bytes = random_bytes(32);
    EXPECT_EQ(z85_decode(z85_encode(bytes)), bytes);
  }
}

TEST(KeyPair, the_key_pair_in_the_zeromq_documentation_matches) {
  EXPECT_EQ(public_key_of("D:)Q[IlAW!ahhC2ac:9*A}h:p?([4%wOTJ%JR%cs"), kOther);
}

TEST(KeyPair, no_public_key_begins_with_a_dash) {
  for (int i = 0; i < 2000; ++i) EXPECT_NE(new_key_pair().public_key[0], '-');
}

TEST(KeyPair, new_key_pairs_differ) {
  const KeyPair a = new_key_pair(), b = new_key_pair();
  EXPECT_NE(a.secret_key, b.secret_key);
  EXPECT_EQ(public_key_of(a.secret_key), a.public_key);
  EXPECT_TRUE(is_key(a.public_key));
  EXPECT_FALSE(is_key(a.public_key.substr(1)));
  EXPECT_NE(refusal_of([] { public_key_of("short"); }), "");
}

// ---- authorized_keys

TEST(AuthorizedKeys, a_line_with_every_option_is_parsed) {
  const Grant grant =
      grant_of("lab3\t" + kKey +
               "  submit,read functions=word*,sum jobs=lab-* reads=* from=10.0.0.0/24,::1 "
               "max_tasks=1000 max_bytes=5"
               " max_jobs=2 max_rate=1.5 max_priority=-3 weight=2 expires=2027-01-31");
  EXPECT_EQ(grant.name, "lab3");
  EXPECT_EQ(grant.key, kKey);
  EXPECT_TRUE(grant.may(GrantRole::submit) && grant.may(GrantRole::read));
  EXPECT_FALSE(grant.may(GrantRole::work) || grant.may(GrantRole::admin));
  EXPECT_EQ(grant.functions, (std::vector<std::string>{"word*", "sum"}));
  EXPECT_EQ(grant.max_priority, -3);
  EXPECT_EQ(grant.expires, time_of("2027-02-01T00:00:00Z"));
  EXPECT_EQ(grant_of(line_of(grant)), grant);
}

TEST(AuthorizedKeys, malformed_lines_are_refused) {
  const std::vector<std::string> table = {
      "name",
      "name key work",
      "name " + kKey,
      "name " + kKey + " king",
      "na/me " + kKey + " work",
      "name " + kKey + " work functions",
      "name " + kKey + " work functions=",
      "name " + kKey + " work functions=a,,b",
      "name " + kKey + " work colour=red",
      "name " + kKey + " work from=home",
      "name " + kKey + " work from=10.0.0.0/33",
      "name " + kKey + " work max_tasks=-1",
      "name " + kKey + " work max_tasks=many",
      "name " + kKey + " work weight=0",
      "name " + kKey + " work weight=nan",
      "name " + kKey + " work expires=soon",
      "name " + kKey + " work expires=2027-02-30",
      "name " + kKey + " work expires=2027-01-01T25:00:00Z",
  };
  for (const auto& line : table) {
    EXPECT_NE(refusal_of([&] { grant_of(line); }), "") << line;
  }
}

TEST(AuthorizedKeys, a_bad_line_grants_nothing_and_the_others_stay_valid) {
  const std::string text = "# people\n\na " + kKey + " work\nb nonsense work\nc " + kKey +
                           " admin\nd " + kOther + " read\n";
  const AuthorizedKeys file = AuthorizedKeys::parse(text);
  ASSERT_EQ(file.grants().size(), 2u);
  EXPECT_EQ(file.grants()[0].name, "a");
  EXPECT_EQ(file.grants()[1].name, "d");
  ASSERT_EQ(file.problems().size(), 2u);
  EXPECT_NE(file.problems()[0].find("line 4"), std::string::npos);
  EXPECT_NE(file.problems()[1].find("line 5"), std::string::npos);
  EXPECT_EQ(file.text(), text);
}

TEST(AuthorizedKeys, edits_leave_the_other_lines_unchanged) {
  AuthorizedKeys file = AuthorizedKeys::parse("# mine\na " + kKey + " work\n");
  Grant b = grant_of("b " + kOther + " read");
  file.add(b);
  EXPECT_NE(refusal_of([&] { file.add(b); }), "");
  EXPECT_EQ(file.remove("b"), 1u);
  EXPECT_EQ(file.remove("b"), 0u);
  EXPECT_EQ(file.text(), "# mine\na " + kKey + " work\n");
}

TEST(AuthorizedKeys, ambiguous_names_are_refused) {
  for (const char* name :
       {"broker", "operator", "anonymous", ".", "..", "-x", ".hidden", "@", "", "a/b", "a b"})
    EXPECT_FALSE(is_principal_name(name)) << name;
  for (const char* name : {"a", "7", "lab-3.example@site_1", "brokers"})
    EXPECT_TRUE(is_principal_name(name)) << name;
}

TEST(AuthorizedKeys, a_trailing_comma_is_an_error) {
  for (const char* roles : {"", ",", "submit,", ",submit", "submit,,read"})
    EXPECT_NE(refusal_of([&] { roles_of(roles); }), "") << roles;
}

TEST(Addresses, addresses_match_their_networks) {
  struct Case {
    const char* pattern;
    const char* address;
    bool matches;
  };
  const Case table[] = {{"10.0.0.7", "10.0.0.7", true},
                        {"10.0.0.7", "10.0.0.8", false},
                        {"10.0.0.0/24", "10.0.0.255", true},
                        {"10.0.0.0/24", "10.0.1.0", false},
                        {"0.0.0.0/0", "9.9.9.9", true},
                        {"::1", "::1", true},
                        {"fe80::/10", "fe90::1", true},
                        {"fe80::/10", "ff00::1", false},
                        {"10.0.0.7", "::ffff:10.0.0.7", true},
                        {"10.0.0.0/24", "::1", false},
                        {"10.0.0.0/x", "10.0.0.1", false},
                        {"home", "10.0.0.1", false},
                        {"10.0.0.7", "", false}};
  for (const auto& c : table)
    EXPECT_EQ(address_matches(c.pattern, c.address), c.matches) << c.pattern << " " << c.address;
}

// ---- files

TEST(KeyFiles, a_broker_without_keys_creates_them_once) {
  const Folder folder;
  EXPECT_TRUE(make_missing(folder / "quern"));
  EXPECT_FALSE(make_missing(folder / "quern"));
  for (const char* name : {"broker.secret", "client.secret", "worker.secret", "authorized_keys"})
    EXPECT_EQ(mode_of(folder / "quern" + "/" + name), 0600u) << name;
  const auto client = peer_keys(folder / "quern", "tcp://127.0.0.1:7600", Side::client);
  const auto worker = peer_keys(folder / "quern", "tcp://127.0.0.1:7600", Side::worker);
  ASSERT_TRUE(client && worker);
  EXPECT_EQ(client->broker_key, worker->broker_key);
  const auto grants = AuthorizedKeys::parse(*read_file(folder / "quern/authorized_keys")).grants();
  ASSERT_EQ(grants.size(), 2u);
  EXPECT_EQ(grants[0].key, client->own.public_key);
  EXPECT_EQ(role_words(grants[0].roles), "submit,read,admin");
  EXPECT_EQ(grants[1].key, worker->own.public_key);
  EXPECT_EQ(role_words(grants[1].roles), "work");
}

TEST(KeyFiles, two_brokers_that_start_together_use_the_same_keys) {
  const Folder folder;
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) threads.emplace_back([&] { make_missing(folder.path()); });
  for (auto& thread : threads) thread.join();
  const auto keys = peer_keys(folder.path(), "x", Side::worker);
  ASSERT_TRUE(keys);
  const auto grants = AuthorizedKeys::parse(*read_file(folder / "authorized_keys")).grants();
  ASSERT_EQ(grants.size(), 2u);
  EXPECT_EQ(grants[1].key, keys->own.public_key);
  EXPECT_EQ(read_pair(folder.path(), "broker")->public_key, keys->broker_key);
}

TEST(KeyFiles, a_secret_readable_by_others_is_refused_with_the_command_to_fix_it) {
  const Folder folder;
  make_missing(folder.path());
  ASSERT_EQ(::chmod((folder / "client.secret").c_str(), 0640), 0);
  const std::string why = refusal_of([&] { peer_keys(folder.path(), "x", Side::client); });
  EXPECT_NE(why.find("chmod 600 " + (folder / "client.secret")), std::string::npos) << why;
}

TEST(KeyFiles, files_writable_by_others_are_refused_with_the_command_to_fix_them) {
  const Folder folder;
  make_missing(folder.path());
  const std::string path = folder / "broker.pub";
  fs::permissions(path, fs::perms::group_write, fs::perm_options::add);
  EXPECT_NE(refusal_of([&] { read_public(path); }).find("chmod go-w " + path), std::string::npos);
  fs::permissions(path, fs::perms::group_write, fs::perm_options::remove);
  EXPECT_EQ(refusal_of([&] { read_public(path); }), "");
  fs::permissions(folder.path(), fs::perms::others_write, fs::perm_options::add);
  EXPECT_NE(refusal_of([&] { make_missing(folder.path()); }).find("chmod go-w"), std::string::npos);
}

TEST(KeyFiles, waiting_for_a_held_lock_ends_at_the_time_limit) {
  const Folder folder;
  const FolderLock held(folder.path());
  EXPECT_NE(refusal_of([&] {
              FolderLock(folder.path(), std::chrono::milliseconds(20));
            }).find("another process"),
            std::string::npos);
}

TEST(KeyFiles, the_folder_of_an_endpoint_stays_inside_its_parent) {
  for (const char* endpoint : {"ipc://..", "ipc://.", "tcp://..", "ipc://../../x", "tcp://a:1"}) {
    const std::string place = folder_for("/keys", endpoint);
    const auto name = place.substr(std::string("/keys/brokers/").size());
    EXPECT_TRUE(place.starts_with("/keys/brokers/") && name != "." && name != ".." &&
                name.find('/') == std::string::npos)
        << place;
  }
}

TEST(KeyFiles, a_file_that_contains_no_key_is_an_error) {
  const Folder folder;
  write_file(folder / "client.secret", "hello\n");
  EXPECT_NE(refusal_of([&] { read_secret(folder / "client.secret"); }).find("client.secret"),
            std::string::npos);
  EXPECT_EQ(read_secret(folder / "none.secret"), std::nullopt);
  EXPECT_EQ(peer_keys(folder.path(), "x", Side::client), std::nullopt);
}

TEST(KeyFiles, keys_of_an_endpoint_take_precedence_over_those_of_the_machine) {
  const Folder folder;
  make_missing(folder.path());
  const std::string there = folder_for(folder.path(), "tcp://10.0.0.5:7600");
  EXPECT_EQ(there, folder / "brokers/10.0.0.5_7600");
  make_folder(there);
  const KeyPair own = new_key_pair();
  write_pair(there, "worker", own);
  write_file(there + "/broker.pub", kKey + "\n");
  EXPECT_EQ(peer_keys(folder.path(), "tcp://10.0.0.5:7600", Side::worker)->own, own);
  EXPECT_EQ(peer_keys(folder.path(), "tcp://10.0.0.5:7600", Side::worker)->broker_key, kKey);
  EXPECT_NE(peer_keys(folder.path(), "tcp://10.0.0.5:7601", Side::worker)->own, own);
}

TEST(KeyFiles, every_spelling_of_an_endpoint_finds_the_same_keys) {
  const Folder folder;
  make_missing(folder.path());
  const std::string there = folder_for(folder.path(), "tcp://127.0.0.1:7600");
  make_folder(folder / "brokers");
  make_folder(there);
  const KeyPair own = new_key_pair();
  write_pair(there, "worker", own);
  write_file(there + "/broker.pub", kKey + "\n");
  EXPECT_EQ(peer_keys(folder.path(), "tcp://localhost:7600", Side::worker)->own, own);
  EXPECT_NE(peer_keys(folder.path(), "tcp://localhost:7601", Side::worker)->own, own);
  EXPECT_NE(peer_keys(folder.path(), "tcp://no-such-host.invalid:7600", Side::worker)->own, own);
}

TEST(KeyFiles, a_revoked_key_leaves_a_mark) {
  auto file = AuthorizedKeys::parse("lab " + kKey + " work\n");
  EXPECT_FALSE(file.was_revoked(kKey));
  EXPECT_EQ(file.revoke("lab"), 1u);
  EXPECT_EQ(file.revoke("lab"), 0u);
  const auto again = AuthorizedKeys::parse(file.text());
  EXPECT_TRUE(again.grants().empty());
  EXPECT_TRUE(again.problems().empty());
  EXPECT_TRUE(again.was_revoked(kKey));
}

// ---- invitations

TEST(Invitations, a_code_survives_a_round_trip) {
  const InvitationCode code{"tcp://10.0.0.5:7600", kKey, new_secret()};
  const std::string text = text_of(code);
  EXPECT_EQ(code_of(text), code);
  EXPECT_EQ(
      text.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"),
      std::string::npos)
      << text;
}

TEST(Invitations, endpoints_in_a_code_must_be_reachable_by_peers) {
  for (const char* good : {"tcp://10.0.0.5:7600", "tcp://host.example:1", "tcp://[::1]:65535",
                           "tcp://[fe80::1%br-lan.2]:7600", "ipc:///run/quern.sock"})
    EXPECT_TRUE(is_peer_endpoint(good)) << good;
  for (const char* bad : {"tcp://*:7600", "tcp://10.0.0.5", "tcp://10.0.0.5:0",
                          "tcp://10.0.0.5:65536", "tcp://:7600", "tcp://a b:7600", "tcp://a:7600/x",
                          "10.0.0.5:7600", "inproc://x", "ipc://", "tcp://a:7600\n"})
    EXPECT_FALSE(is_peer_endpoint(bad)) << bad;
}

TEST(Invitations, invalid_codes_are_refused) {
  const std::string good = text_of(InvitationCode{"tcp://10.0.0.5:7600", kKey, new_secret()});
  for (const std::string& text : {std::string(), std::string("quern1-"), good.substr(1),
                                  good.substr(0, 40), good + "!", "quern2" + good.substr(6)})
    EXPECT_NE(refusal_of([&] { code_of(text); }), "") << text;
}

TEST(Invitations, the_file_survives_a_round_trip_and_contains_no_secret) {
  const std::string secret = new_secret();
  Invitation invitation{hash_of_secret(secret), time_of("2027-01-01T10:00:00Z"), {}};
  invitation.grant.roles = roles_of("work");
  invitation.grant.functions = {"word*"};
  const std::string text = text_of(std::vector{invitation, invitation});
  EXPECT_EQ(text.find(secret), std::string::npos);
  EXPECT_EQ(invitations_of(text + "nonsense\n\n"), (std::vector{invitation, invitation}));
  invitation.grant.name = "lab3";
  EXPECT_EQ(invitations_of(text_of(std::vector{invitation})), std::vector{invitation});
}

}  // namespace
}  // namespace quern::keys
