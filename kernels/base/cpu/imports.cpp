#include <kiln/kernels/base/cpu/imports.h>

#include <elf.h>
#include <link.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <string_view>
#include <vector>

// The loader's tables hold addresses as numbers. NOLINTBEGIN(performance-no-int-to-ptr)
namespace kiln::kernels {
namespace {

#if defined(__x86_64__)
constexpr uint32_t kCall = R_X86_64_JUMP_SLOT, kAddress = R_X86_64_GLOB_DAT;
#elif defined(__aarch64__)
constexpr uint32_t kCall = R_AARCH64_JUMP_SLOT, kAddress = R_AARCH64_GLOB_DAT;
#else
constexpr uint32_t kCall = UINT32_MAX, kAddress = UINT32_MAX;
#endif

struct Slot {
  void** at;
  void* value;
};

struct Search {
  uintptr_t address;
  std::span<const Import> imports;
  std::vector<Slot> slots;
  uintptr_t readonly_begin = 0, readonly_end = 0;  // what the loader has made read-only after it filled it
  bool found = false;
};

// The parts of a library's dynamic section that name its imports. The loader has made addresses of them.
struct Dynamic {
  const ElfW(Sym) * symbols = nullptr;
  const char* strings = nullptr;
  const ElfW(Rela) * calls = nullptr;
  const ElfW(Rela) * others = nullptr;
  size_t calls_bytes = 0, others_bytes = 0;

  explicit Dynamic(const ElfW(Dyn) * entry) {
    for (; entry->d_tag != DT_NULL; ++entry) switch (entry->d_tag) {
        case DT_SYMTAB:
          symbols = reinterpret_cast<const ElfW(Sym)*>(entry->d_un.d_ptr);
          break;
        case DT_STRTAB:
          strings = reinterpret_cast<const char*>(entry->d_un.d_ptr);
          break;
        case DT_JMPREL:
          calls = reinterpret_cast<const ElfW(Rela)*>(entry->d_un.d_ptr);
          break;
        case DT_PLTRELSZ:
          calls_bytes = entry->d_un.d_val;
          break;
        case DT_RELA:
          others = reinterpret_cast<const ElfW(Rela)*>(entry->d_un.d_ptr);
          break;
        case DT_RELASZ:
          others_bytes = entry->d_un.d_val;
          break;
        default:
          break;
      }
  }
};

void collect(Search& search, const Dynamic& dynamic, const ElfW(Rela) * relocations, size_t bytes,
             uintptr_t base) {
  for (const auto& relocation : std::span(relocations, bytes / sizeof *relocations)) {
    const auto type = uint32_t(ELF64_R_TYPE(relocation.r_info));
    if (type != kCall && type != kAddress) continue;
    const std::string_view name = dynamic.strings + dynamic.symbols[ELF64_R_SYM(relocation.r_info)].st_name;
    for (const Import& import : search.imports)
      if (name == import.name)
        search.slots.push_back({reinterpret_cast<void**>(base + relocation.r_offset), import.function});
  }
}

int look_at(dl_phdr_info* library, size_t, void* data) {
  auto& search = *static_cast<Search*>(data);
  const std::span headers(library->dlpi_phdr, library->dlpi_phnum);
  const bool holds = std::ranges::any_of(headers, [&](const ElfW(Phdr) & header) {
    return header.p_type == PT_LOAD && search.address - library->dlpi_addr - header.p_vaddr < header.p_memsz;
  });
  if (!holds) return 0;
  for (const ElfW(Phdr) & header : headers) {
    const uintptr_t begin = library->dlpi_addr + header.p_vaddr;
    if (header.p_type == PT_GNU_RELRO) {
      search.readonly_begin = begin;
      search.readonly_end = begin + header.p_memsz;
    }
    if (header.p_type != PT_DYNAMIC) continue;
    const Dynamic dynamic(reinterpret_cast<const ElfW(Dyn)*>(begin));
    if (dynamic.symbols == nullptr || dynamic.strings == nullptr) continue;
    if (dynamic.calls != nullptr)
      collect(search, dynamic, dynamic.calls, dynamic.calls_bytes, library->dlpi_addr);
    if (dynamic.others != nullptr)
      collect(search, dynamic, dynamic.others, dynamic.others_bytes, library->dlpi_addr);
  }
  return 1;
}

bool protect(const Slot& slot, int protection) {
  const auto page = uintptr_t(sysconf(_SC_PAGESIZE));
  const uintptr_t begin = uintptr_t(slot.at) / page * page;
  return mprotect(reinterpret_cast<void*>(begin), uintptr_t(slot.at + 1) - begin, protection) == 0;
}

}  // namespace

bool replace_imports(const void* address, std::span<const Import> imports) {
  Search search{uintptr_t(address), imports, {}};
  if (address == nullptr) return false;
  dl_iterate_phdr(look_at, &search);
  for (const Import& import : imports)
    if (import.original == nullptr ||
        std::ranges::none_of(search.slots, [&](const Slot& slot) { return slot.value == import.function; }))
      return false;
  for (const Slot& slot : search.slots)
    if (!protect(slot, PROT_READ | PROT_WRITE)) return false;
  for (const Slot& slot : search.slots) __atomic_store_n(slot.at, slot.value, __ATOMIC_RELEASE);
  for (const Slot& slot : search.slots)
    if (const auto at = uintptr_t(slot.at); at >= search.readonly_begin && at < search.readonly_end)
      protect(slot, PROT_READ);
  return true;
}

}  // namespace kiln::kernels
// NOLINTEND(performance-no-int-to-ptr)
