// The mark: a ball of thread whose end leads out.
export function Mark() {
  return (
    <svg class="clew" viewBox="0 0 24 24" width="20" height="20" fill="none" stroke="currentColor" stroke-width="1.7" stroke-linecap="round" aria-hidden="true">
      <circle cx="10.5" cy="11" r="7.6" />
      <path d="M4 8.6c4.2-1.800 9.500-.6 13.100 3M3.200 12.800c4-2 8.600-1 11.800 2.600M7 17.600c1.400-4.600 4.800-9 9.200-10.800M3.900 7.400C8 3.600 13 5 15.800 9M15.300 17c2 1.800 4.200 3 7.200 3" />
    </svg>
  );
}
